// SPDX-License-Identifier: MIT
// `rex-test fuzz`: generated inputs whose outcome is known in advance.
import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { type FuzzSettings, type KernelWish, runFuzz } from "../../../fuzz/run/run-fuzz.ts";
import { wholeCampaign } from "../../../fuzz/run/state.ts";
import { findTarget, targets } from "../../../fuzz/run/targets.ts";
import { Teller } from "../../../fuzz/run/teller.ts";
import { type Oracle, oracleNames, oracles } from "../../../fuzz/run/trial.ts";
import type { AcceleratorWish } from "../../../qemu/probes.ts";
import { publishFile } from "../../support/cache.ts";
import { exitCodes, RexTestError } from "../../support/errors.ts";
import { formatTable, plural } from "../../support/format.ts";
import { interruption } from "../../support/interruption.ts";
import { Progress } from "../../support/progress.ts";
import { parseShard } from "../../test/engine/selection.ts";
import { acceleratorOption, bootLimitMs, oneKernel } from "./kernel-flags.ts";
import { atLeastOne, parseSeed } from "./run-flags.ts";

interface FuzzFlags {
  readonly time: number;
  readonly jobs: number;
  readonly seed?: number;
  readonly shard?: string;
  readonly corpus?: string;
  readonly findings: number;
  readonly batches?: number;
  readonly oracle?: readonly Oracle[];
  readonly kernel?: string[] | string;
  readonly config?: string[];
  readonly accel: AcceleratorWish;
}

const mostFindings = 20;

export const command = new Command("fuzz")
  // Those of the commands below it are theirs.
  .enablePositionalOptions()
  .description("run generated inputs whose outcome is known in advance, and tell where the kernel disagrees")
  .addArgument(
    new Argument("[target]", "what is fuzzed")
      .choices(targets.map(({ name }) => name))
      .default(targets[0].name),
  )
  .option("--time <duration>", "how long: 30s, 10m, 8h", parseDuration, 2 * 60_000)
  .option("--jobs <n>", "guests and compilers at a time", atLeastOne, availableParallelism())
  .option("--seed <n>", "which inputs; the same seed makes the same ones (default: any)", parseSeed)
  .option("--shard <i/n>", "only the i-th of n parts of the seed's inputs, for as many machines")
  .option(
    "--corpus <folder>",
    "where findings and the state of the campaign are kept (default: artifacts/fuzz/<target>)",
  )
  .option("--findings <n>", "end after so many different findings", atLeastOne, mostFindings)
  .option("--batches <n>", "end after so many batches, those of before included", atLeastOne)
  .option("--oracle <names>", "look at what these say only: names, with commas between them", parseOracles)
  .addOption(
    new Option(
      "--kernel <folder>",
      "folder with the kernel to boot (default: the Rex kernel of the cache); several in turn",
    )
      .env("REX_TEST_KERNEL")
      .argParser(collect),
  )
  .option(
    "--config <names>",
    "boot the kernel with these config fragments, as for `kernel build`; builds it if need be; several in turn",
    collect,
  )
  .addOption(acceleratorOption())
  .addHelpText(
    "after",
    `
Targets:
${indented(targets.map(({ name, summary }) => [name, summary]))}

Oracles:
${indented(Object.entries(oracles))}

A campaign that was interrupted goes on when it is started with its seed, shard and corpus again.
Exit codes: 0 nothing was found, 1 something was, 2 the campaign could not be run.
docs/fuzzing.md says what is generated, who judges, and how a finding is read.
`,
  )
  .action(async (name: string, flags: FuzzFlags, self: Command) => {
    const target = findTarget(name) ?? targets[0];
    const unheard = flags.oracle?.find((oracle) => !target.oracles.includes(oracle));
    if (unheard !== undefined)
      throw new RexTestError(`the oracle "${unheard}" has nothing to say of the target ${name}`, {
        hint: `one of ${target.oracles.join(", ")}`,
      });
    const settings: FuzzSettings = {
      target,
      seed: flags.seed ?? randomInt(1, 2 ** 31 - 1),
      shard: flags.shard === undefined ? wholeCampaign : parseShard(flags.shard),
      timeMs: flags.time,
      corpus: resolve(flags.corpus ?? join("artifacts", "fuzz", name)),
      findingsAtMost: flags.findings,
      batchesAtMost: flags.batches,
      oracles: flags.oracle,
      kernels: kernelsOf(self, flags),
      cwd: process.cwd(),
      jobs: flags.jobs,
      accelerator: flags.accel,
      bootLimitMs,
      signal: interruption,
    };
    using progress = new Progress();
    using teller = new Teller(target, progress);
    const { files } = await runFuzz(settings, teller, progress);
    process.exitCode = files.length > 0 ? exitCodes.failure : exitCodes.passed;
  });

command
  .command("report")
  .description("make one page of what campaigns have done and found")
  .option(
    "--corpus <folder>",
    "that of a campaign, or a folder with several in it",
    join("artifacts", "fuzz"),
  )
  .option("--output <file>", "the page (default: report.html in the corpus)")
  .action(async ({ corpus, output }: { readonly corpus: string; readonly output?: string }) => {
    const { collectReport } = await import("../../../fuzz/report/collect.ts");
    const { fuzzReportPage } = await import("../../../fuzz/report/html.ts");
    const report = await collectReport(resolve(corpus), process.cwd());
    const file = resolve(output ?? join(corpus, "report.html"));
    await publishFile(file, await fuzzReportPage(report));
    console.log(relative(process.cwd(), file));
  });

command
  .command("merge")
  .description(
    "make one corpus of those of several machines: progress, findings, and the inputs that add something",
  )
  .argument("<folders...>", "corpora, or folders with corpora in them")
  .requiredOption("--corpus <folder>", "the corpus that they become; what is in it already stays")
  .action(async (folders: readonly string[], { corpus }: { readonly corpus: string }) => {
    const { mergeCorpora } = await import("../../../fuzz/run/merge.ts");
    const { target, campaigns, findings, inputs, dropped } = await mergeCorpora(folders, corpus);
    console.log(
      `${target}: ${plural(campaigns, "campaign")}, ${plural(findings, "finding")}, ${plural(inputs, "input")} (${dropped} that add nothing dropped)`,
    );
  });

function kernelsOf(command: Command, flags: FuzzFlags): readonly [KernelWish, ...KernelWish[]] {
  const { kernel, config } = oneKernel(command, flags);
  const folders = typeof kernel === "string" ? [kernel] : (kernel ?? []);
  const [first, ...others] = [
    ...folders.map((folder): KernelWish => ({ kernel: folder })),
    ...(config ?? []).map((names): KernelWish => ({ config: names })),
  ];
  return [first ?? {}, ...others];
}

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function indented(rows: readonly (readonly string[])[]): string {
  return formatTable(rows.map(([name = "", words = ""]) => [`  ${name}`, words]));
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

function parseDuration(value: string): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(value) ?? [];
  const ms = Number(count) * (units[unit ?? ""] ?? Number.NaN);
  if (ms > 0) return ms;
  throw new InvalidArgumentError("write it as 30s, 10m or 8h");
}

function parseOracles(value: string): readonly Oracle[] {
  return value.split(",").map((part) => {
    const wanted = part.trim();
    const oracle = oracleNames.find((name) => name === wanted || name.replaceAll(" ", "-") === wanted);
    if (oracle !== undefined) return oracle;
    throw new InvalidArgumentError(
      `there is no oracle ${JSON.stringify(wanted)}; they are ${oracleNames.join(", ")}`,
    );
  });
}
