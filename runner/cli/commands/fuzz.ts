// SPDX-License-Identifier: MIT
// `rex-test fuzz`: generated programs whose outcome is known in advance.
import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { runFuzz, type TargetName, targets } from "../../../fuzz/run/run-fuzz.ts";
import type { AcceleratorWish } from "../../../qemu/probes.ts";
import { exitCodes, RexTestError } from "../../support/errors.ts";
import { interruption } from "../../support/interruption.ts";
import { Progress } from "../../support/progress.ts";
import { atLeastOne, parseSeed } from "./run-flags.ts";

interface FuzzFlags {
  readonly time: number;
  readonly jobs: number;
  readonly seed?: number;
  readonly corpus?: string;
  readonly findings: number;
  readonly kernel?: string;
  readonly config?: string;
  readonly accel: AcceleratorWish;
}

const bootLimitMs = 60_000;
const mostFindings = 20;

export const command = new Command("fuzz")
  .description(
    "run generated programs whose outcome is known in advance, and tell where the kernel disagrees",
  )
  .addArgument(new Argument("[target]", "what is fuzzed").choices(targets).default(targets[0]))
  .option("--time <duration>", "how long: 30s, 10m, 8h", parseDuration, 2 * 60_000)
  .option("--jobs <n>", "guests and compilers at a time", atLeastOne, availableParallelism())
  .option("--seed <n>", "which inputs; the same seed makes the same ones (default: any)", parseSeed)
  .option(
    "--corpus <folder>",
    "where findings and the state of the campaign are kept (default: artifacts/fuzz/<target>)",
  )
  .option("--findings <n>", "end after so many different findings", atLeastOne, mostFindings)
  .addOption(
    new Option(
      "--kernel <folder>",
      "folder with the kernel to boot (default: the Rex kernel of the cache)",
    ).env("REX_TEST_KERNEL"),
  )
  .option(
    "--config <names>",
    "boot the kernel with these config fragments, as for `kernel build`; builds it if need be",
  )
  .addOption(new Option("--accel <how>", "how guests run").choices(["auto", "kvm", "tcg"]).default("auto"))
  .addHelpText(
    "after",
    `
A campaign that was interrupted goes on when it is started with its seed and corpus again.
Exit codes: 0 nothing was found, 1 something was.
docs/fuzzing.md says what is generated, who judges, and how a finding is read.
`,
  )
  .action(async (target: TargetName, flags: FuzzFlags, self: Command) => {
    if (flags.config !== undefined && self.getOptionValueSource("kernel") === "cli")
      throw new RexTestError("--kernel and --config both say which kernel", { hint: "give one of them" });
    using progress = new Progress();
    const cwd = process.cwd();
    const { files } = await runFuzz(
      {
        target,
        seed: flags.seed ?? randomInt(1, 2 ** 31 - 1),
        timeMs: flags.time,
        corpus: resolve(flags.corpus ?? join("artifacts", "fuzz", target)),
        findingsAtMost: flags.findings,
        say: (line) => {
          progress.clear();
          console.log(line);
        },
        cwd,
        jobs: flags.jobs,
        // What the environment says gives way to what the command line says.
        kernel: flags.config === undefined ? flags.kernel : undefined,
        config: flags.config,
        accelerator: flags.accel,
        bootLimitMs,
        signal: interruption,
      },
      progress,
    );
    process.exitCode = files.length > 0 ? exitCodes.failure : exitCodes.passed;
  });

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

function parseDuration(value: string): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(value) ?? [];
  const ms = Number(count) * (units[unit ?? ""] ?? Number.NaN);
  if (ms > 0) return ms;
  throw new InvalidArgumentError("write it as 30s, 10m or 8h");
}
