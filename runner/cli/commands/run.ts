// SPDX-License-Identifier: MIT
// `rex-test run`: runs specs, each test on a kernel of its own.
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { Argument, Command, Option } from "commander";
import type { AcceleratorWish } from "../../../qemu/probes.ts";
import { interruption } from "../../support/interruption.ts";
import { Progress } from "../../support/progress.ts";
import { changedSpecs } from "../../test/engine/changed.ts";
import { lastNotPassed } from "../../test/engine/last-run.ts";
import { listSpecs } from "../../test/engine/list-specs.ts";
import { prepareOnly } from "../../test/engine/prepare-only.ts";
import { parseShard, parseTags } from "../../test/engine/selection.ts";
import { isCi, parseFilter, type RunSettings } from "../../test/engine/settings.ts";
import { type GuestWay, guestWays } from "../../test/guests/guest.ts";
import type { Isolation } from "../../test/host/protocol.ts";
import { pauseAtTerminal } from "../pause.ts";
import { addReporterOptions, type ReporterFlags, reporterChoices, reportRun } from "../report-run.ts";
import { watchSpecs } from "../watch.ts";
import { atLeastOne, checkTogether, configOf, count, guestsAtOnce, parseSeed } from "./run-flags.ts";

interface RunFlags extends ReporterFlags {
  readonly filter?: string;
  readonly jobs: number;
  readonly kernel?: string;
  readonly config?: string;
  readonly accel: AcceleratorWish;
  readonly guests: GuestWay;
  readonly timeout: number;
  readonly bootTimeout: number;
  readonly traceLeaks?: boolean;
  readonly list?: boolean;
  readonly run: boolean;
  readonly tags?: string;
  readonly shard?: string;
  readonly shuffle?: number;
  readonly failFast?: number;
  readonly lastFailed?: boolean;
  readonly pauseOnFailure?: boolean;
  readonly watch?: boolean;
  readonly changed?: string;
  readonly retry: number;
  readonly repeats: number;
  readonly isolate: Isolation;
  readonly updateSnapshots?: boolean;
  readonly kernelTree?: string;
  readonly coverage?: string;
}

export const command = addReporterOptions(new Command("run"))
  .description("run specs, each test on a kernel of its own")
  .addArgument(new Argument("[paths...]", "spec files, or folders with *.spec.ts files").default([], "specs"))
  .option(
    "--filter <text>",
    "only tests whose name contains the text, or matches it when it is /a regular expression/",
  )
  .option("--tags <list>", "only tests with one of these tags and none of those with a !: net,slow,!flaky")
  .option("--shard <i/n>", "only the i-th of n parts, for as many machines")
  .option("--last-failed", "only the tests that did not pass in the last run")
  .option("--changed [ref]", "only spec files that differ from a commit (HEAD), or depend on what does")
  .option("--watch", "run specs again whenever something changes that they are made of; q quits")
  .option(
    "--shuffle [seed]",
    "in a random order; the seed is printed, and gives the same order again",
    parseSeed,
  )
  .option("--fail-fast [n]", "end the run at the first failure, or the n-th", atLeastOne)
  .option("--retry <n>", "run a test that fails up to n times more; one that passes then is flaky", count, 0)
  .option("--repeats <n>", "run each test n times more, all of which have to pass", count, 0)
  .addOption(
    new Option("--isolate <level>", "a guest for each test, for each file, or as few as possible")
      .choices(["test", "file", "none"])
      .default("test"),
  )
  .option("--update-snapshots", "write snapshots that differ anew")
  .option("--jobs <n>", "guests at a time", atLeastOne, guestsAtOnce(availableParallelism()))
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
  .option("--kernel-tree <dir>", "build the kernel from this source tree, as `kernel build --source` does")
  .addOption(new Option("--accel <how>", "how guests run").choices(["auto", "kvm", "tcg"]).default("auto"))
  .addOption(
    new Option(
      "--guests <how>",
      "fork them from one that runs, clone one that was saved, or boot each of them",
    )
      .choices(guestWays)
      .default("fork")
      .env("REX_TEST_GUESTS"),
  )
  .option("--timeout <ms>", "limit of a test that does not set its own", atLeastOne, 30_000)
  .option("--boot-timeout <ms>", "limit from the start of a guest to its readiness", atLeastOne, 30_000)
  .option(
    "--pause-on-failure",
    "keep the guest of a test that failed until Enter is pressed, and say how to get at it",
  )
  .option("--trace-leaks", "say where in the spec the things were acquired that a test leaves behind; slow")
  .option(
    "--coverage [dir]",
    "say which lines of the runtime ran, here and in a folder (coverage); implies the config coverage",
  )
  .option("--list", "print the names of the tests and run nothing")
  .option("--no-run", "prepare everything (kernel, tools, programs) and run nothing")
  .addHelpText("after", exitCodeHelp())
  .action(async (paths: readonly string[], flags: RunFlags, self: Command) => {
    const kernelIsGiven = self.getOptionValueSource("kernel") === "cli";
    checkTogether(flags, kernelIsGiven);
    if (flags.watch) {
      await watch(paths, flags, kernelIsGiven);
      return;
    }
    const settings = await settingsOf(await wantedPaths(paths, flags), flags, kernelIsGiven);
    if (settings.paths.length === 0 && flags.changed !== undefined) return;
    if (flags.list) {
      for (const line of await listSpecs(settings)) console.log(line);
      return;
    }
    if (!flags.run) {
      using progress = new Progress();
      process.exitCode = await prepareOnly(settings, progress);
      return;
    }
    await reportRun(settings, reporterChoices(flags));
  });

export { withOptionalValues as prepareArguments } from "./run-flags.ts";

/** With --changed the spec files themselves, and none when nothing changed that concerns them. */
async function wantedPaths(paths: readonly string[], { changed }: RunFlags): Promise<readonly string[]> {
  if (changed === undefined) return paths;
  const { specs, note } = await changedSpecs(paths, process.cwd(), changed, interruption);
  console.error(note);
  return specs;
}

async function watch(paths: readonly string[], flags: RunFlags, kernelIsGiven: boolean): Promise<void> {
  const settings = await settingsOf(paths, flags, kernelIsGiven);
  const { cwd } = settings;
  const { stdin: input, stdout: output } = process;
  const run = (specs: readonly string[], signal: AbortSignal) =>
    reportRun({ ...settings, paths: specs, signal }, reporterChoices(flags));
  await watchSpecs({ paths, cwd, signal: interruption, run, input, output });
}

async function settingsOf(
  paths: readonly string[],
  flags: RunFlags,
  kernelIsGiven: boolean,
): Promise<RunSettings> {
  const cwd = process.cwd();
  const config = configOf(flags, kernelIsGiven);
  return {
    paths,
    cwd,
    selection: {
      filter: flags.filter === undefined ? undefined : parseFilter(flags.filter),
      tags: flags.tags === undefined ? undefined : parseTags(flags.tags),
      shard: flags.shard === undefined ? undefined : parseShard(flags.shard),
      among: flags.lastFailed ? await lastNotPassed(cwd) : undefined,
    },
    retry: flags.retry,
    repeats: flags.repeats,
    isolate: flags.isolate,
    failFast: flags.failFast,
    shuffleSeed: flags.shuffle,
    remember: true,
    pause: flags.pauseOnFailure ? pauseAtTerminal(process.stdin, process.stdout) : undefined,
    updateSnapshots: flags.updateSnapshots,
    ci: isCi(),
    jobs: flags.jobs,
    // What the environment says gives way to what the command line says.
    kernel: config === undefined && flags.kernelTree === undefined ? flags.kernel : undefined,
    config,
    kernelTree: flags.kernelTree,
    accelerator: flags.accel,
    // What a machine to be forked was warmed up with would count as run by tests.
    guests: flags.coverage !== undefined && flags.guests === "fork" ? "clone" : flags.guests,
    timeoutMs: flags.timeout,
    bootLimitMs: flags.bootTimeout,
    traceLeaks: flags.traceLeaks,
    coverage: flags.coverage === undefined ? undefined : resolve(cwd, flags.coverage),
    signal: interruption,
  };
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
