// SPDX-License-Identifier: MIT
// `rex-test run`: runs specs, each test on a kernel of its own.
import { availableParallelism } from "node:os";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import type { AcceleratorWish } from "../../../qemu/probes.ts";
import { RexTestError } from "../../support/errors.ts";
import { interruption } from "../../support/interruption.ts";
import { listSpecs } from "../../test/engine/list-specs.ts";
import { parseFilter, type RunSettings } from "../../test/engine/settings.ts";
import { addReporterOptions, type ReporterFlags, reporterChoices, reportRun } from "../report-run.ts";

interface RunFlags extends ReporterFlags {
  readonly filter?: string;
  readonly jobs: number;
  readonly kernel?: string;
  readonly config?: string;
  readonly accel: AcceleratorWish;
  readonly guests: "clone" | "boot";
  readonly timeout: number;
  readonly bootTimeout: number;
  readonly traceLeaks?: boolean;
  readonly list?: boolean;
}

export const command = addReporterOptions(new Command("run"))
  .description("run specs, each test on a kernel of its own")
  .addArgument(new Argument("[paths...]", "spec files, or folders with *.spec.ts files").default([], "specs"))
  .option(
    "--filter <text>",
    "only tests whose name contains the text, or matches it when it is /a regular expression/",
  )
  .option("--jobs <n>", "guests at a time", atLeastOne, availableParallelism())
  .addOption(
    new Option(
      "--kernel <folder>",
      "folder with the kernel to boot (default: the Rex kernel of the cache)",
    ).env("REX_TEST_KERNEL"),
  )
  .addOption(
    new Option(
      "--config <names>",
      "boot the kernel with these config fragments, as for `kernel build`; builds it if need be",
    ),
  )
  .addOption(new Option("--accel <how>", "how guests run").choices(["auto", "kvm", "tcg"]).default("auto"))
  .addOption(
    new Option("--guests <how>", "clone one that was booted, or boot each of them")
      .choices(["clone", "boot"])
      .default("clone")
      .env("REX_TEST_GUESTS"),
  )
  .option("--timeout <ms>", "limit of a test that does not set its own", atLeastOne, 30_000)
  .option("--boot-timeout <ms>", "limit from the start of a guest to its readiness", atLeastOne, 30_000)
  .option("--trace-leaks", "say where in the spec the things were acquired that a test leaves behind; slow")
  .option("--list", "print the names of the tests and run nothing")
  .addHelpText("after", exitCodeHelp())
  .action(async (paths: readonly string[], flags: RunFlags, self: Command) => {
    if (flags.config !== undefined && self.getOptionValueSource("kernel") === "cli")
      throw new RexTestError("--kernel and --config both say which kernel", { hint: "give one of them" });
    const settings = settingsOf(paths, flags);
    if (flags.list) {
      for (const line of await listSpecs(settings)) console.log(line);
      return;
    }
    await reportRun(settings, reporterChoices(flags));
  });

function settingsOf(paths: readonly string[], flags: RunFlags): RunSettings {
  return {
    paths,
    cwd: process.cwd(),
    filter: flags.filter === undefined ? undefined : parseFilter(flags.filter),
    jobs: flags.jobs,
    // What the environment says gives way to what the command line says.
    kernel: flags.config === undefined ? flags.kernel : undefined,
    config: flags.config,
    accelerator: flags.accel,
    guests: flags.guests,
    timeoutMs: flags.timeout,
    bootLimitMs: flags.bootTimeout,
    traceLeaks: flags.traceLeaks,
    signal: interruption,
  };
}

function atLeastOne(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError("a whole number, 1 or more");
}

function exitCodeHelp(): string {
  return `
Exit codes, the gravest first:
  64  a kernel crashed and no test expected it
  1   a test failed, a guest hung, or a spec could not be loaded
  2   the infrastructure failed: nothing was learnt about the code under test
  0   all tests passed
`;
}
