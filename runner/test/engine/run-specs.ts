// SPDX-License-Identifier: MIT
// One run from beginning to end: collect, prepare, run, sum up. Each step cleans up after itself, whatever ends it.
import { join, relative } from "node:path";
import { CoverageCollector } from "../../coverage/collector.ts";
import { describeError, exitCodes, messageOf } from "../../support/errors.ts";
import { plural } from "../../support/format.ts";
import type { Progress } from "../../support/progress.ts";
import { KeepingProvider } from "../guests/keeping-provider.ts";
import { GuestHost } from "../host/guest-host.ts";
import type { Reporter, RunSummary } from "../reporters/reporter.ts";
import { type ArtifactsFolder, artifactsRoot, openArtifactsFolder } from "./artifacts-folder.ts";
import { checkPlan } from "./check-plan.ts";
import { type Collected, collect, commonWorkerSettings } from "./collect.ts";
import { FailureLog, settingsOfFailures } from "./failures.ts";
import { KernelGuests, kernelUnderTest, type PreparedKernels, prepareNamedKernels } from "./kernels.ts";
import { rememberRun } from "./last-run.ts";
import { Ledger } from "./ledger.ts";
import { resultsOf, testsToRun } from "./plan.ts";
import { type Prepared, prepare } from "./prepare.ts";
import type { RunSettings } from "./settings.ts";
import { summarise } from "./summary.ts";
import type { SnapshotCounts } from "./vitest-engine.ts";

export async function runSpecs(
  settings: RunSettings,
  reporter: Reporter,
  progress: Progress,
  /** By a run of the same process before this one; its compiler knows the programs that it has seen. */
  ready?: Prepared,
): Promise<RunSummary> {
  const startedAt = performance.now();
  const collected = await collect(settings);
  await using _ = collected.engine;
  const { plan } = collected;
  checkPlan(plan, settings);
  const enough = new AbortController();
  let failures: FailureLog | undefined;
  const ledger = new Ledger(plan, settings, {
    onTest: (test) => {
      failures?.add(test);
      reporter.onTest?.(test);
    },
    onIgnored: (test) => reporter.onIgnored?.(test),
    onBrokenFile: (file) => reporter.onBrokenFile?.(file),
    onEnough: () => enough.abort(),
  });
  const begin = () => {
    for (const file of plan.brokenFiles) ledger.addBrokenFile(file);
    for (const test of plan.tests) if (test.ignored !== undefined) ledger.addIgnored(test, test.ignored);
  };
  const files = testsToRun(plan).size;
  let coverage: CoverageCollector | undefined;
  if (files > 0) {
    const prepared = ready ?? (await prepare(settings, collected.programs, progress));
    if (settings.coverage !== undefined)
      coverage = await CoverageCollector.open(prepared.kernel, settings.coverage);
    const named = await prepareNamedKernels([...testsToRun(plan).values()].flat(), settings, progress);
    progress[Symbol.dispose]();
    reporter.onStart?.({
      files,
      tests: [...testsToRun(plan).values()].flat().length,
      plan: resultsOf(plan),
      kernel: prepared.kernel.name,
      machine: prepared.machine,
      jobs: settings.jobs,
      shuffleSeed: settings.shuffleSeed,
      shard: settings.selection?.shard,
    });
    begin();
    await using artifacts = await openArtifactsFolder(settings.artifacts ?? artifactsRoot(settings.cwd));
    failures = new FailureLog(artifacts.path, settingsOfFailures(settings, prepared));
    await runCollected(settings, collected, {
      kernels: { main: prepared, named },
      artifacts,
      ledger,
      reporter,
      enough,
      coverage,
    });
  } else {
    begin();
  }
  ledger.finish();
  const summary = await withCoverage(
    summarise(ledger, settings, performance.now() - startedAt),
    coverage,
    reporter,
  );
  if (settings.remember)
    await rememberRun(settings.cwd, summary).catch((error: unknown) =>
      // The results of the run are worth more than that.
      reporter.onNotice?.(`--last-failed will not know of this run: ${messageOf(error)}`),
    );
  await reporter.onEnd?.(summary);
  return summary;
}

/** The results of the run are worth more than its coverage, but whoever waits for that must not take its absence for good news. */
async function withCoverage(
  summary: RunSummary,
  collector: CoverageCollector | undefined,
  reporter: Reporter,
): Promise<RunSummary> {
  if (collector === undefined) return summary;
  try {
    return { ...summary, coverage: await collector.write() };
  } catch (error) {
    reporter.onNotice?.(`the coverage can't be told: ${describeError(error)}`);
    return { ...summary, exitCode: summary.exitCode || exitCodes.infrastructure };
  }
}

interface RunParts {
  readonly kernels: PreparedKernels;
  readonly artifacts: ArtifactsFolder;
  readonly ledger: Ledger;
  readonly reporter: Reporter;
  /** Ends the run before all tests have run. */
  readonly enough: AbortController;
  readonly coverage: CoverageCollector | undefined;
}

async function runCollected(
  settings: RunSettings,
  { engine }: Collected,
  { kernels, artifacts, ledger, reporter, enough, coverage }: RunParts,
): Promise<void> {
  if (enough.signal.aborted) return;
  const stuck = new AbortController();
  await using guests = new KernelGuests(kernels, settings, (line) => reporter.onNotice?.(line));
  await using provider = new KeepingProvider(guests, settings.signal);
  await using host = await GuestHost.listen({
    provider,
    compiler: guests,
    jobs: settings.jobs,
    signal: settings.signal,
    onActivity: (activity) => {
      if (activity.kind === "running") ledger.noteBegun(activity.file, activity.test);
      reporter.onActivity?.({ ...activity, file: relative(settings.cwd, activity.file) });
    },
    onPause: async (paused, named) => {
      const { kernel } = (named === undefined ? undefined : kernels.named.get(named)) ?? kernels.main;
      const place = relative(settings.cwd, paused.place);
      await settings.pause?.(
        { ...paused, place, vmlinux: join(kernel.path, "vmlinux") },
        (text) => reporter.onNotice?.(text),
        settings.signal,
      );
    },
    onGuest: async (guest, kernel) => coverage?.begin(guest, kernel),
    onGuestGivenBack: async (guest, kernel) => coverage?.end(guest, kernel),
    onStuck: ({ specFile, test }) => {
      ledger.addStuck(specFile, test);
      stuck.abort();
    },
  });
  const worker = {
    socketName: host.socketName,
    token: host.token,
    artifactsFolder: artifacts.path,
    kernel: kernelUnderTest(kernels.main),
    namedKernels: Object.fromEntries(
      [...kernels.named].map(([config, prepared]) => [config, kernelUnderTest(prepared)]),
    ),
    ...commonWorkerSettings(settings),
  };
  const signal = AbortSignal.any([settings.signal, enough.signal]);
  const snapshots = { written: 0, updated: 0, removed: 0 };
  for (let tests = ledger.openTests; tests.size > 0; tests = ledger.openTests) {
    let deaths = 0;
    const counts = await engine.run(
      { tests, worker, signal, stuck: stuck.signal },
      {
        onTest: (test) => ledger.addTest(test),
        onModule: (module) => ledger.addModule(module),
        onConsole: (text) => reporter.onConsole?.(text),
        onStray: (error) => ledger.addStray(error),
        onDeath: (death) => {
          if (ledger.addDeath(death)) deaths += 1;
        },
      },
    );
    snapshots.written += counts.written;
    snapshots.updated += counts.updated;
    snapshots.removed += counts.removed;
    // What a thread had before it that died is run on another one.
    if (deaths === 0 || signal.aborted || stuck.signal.aborted) break;
  }
  tellOfSnapshots(snapshots, reporter);
}

function tellOfSnapshots(counts: SnapshotCounts, reporter: Reporter): void {
  const parts = Object.entries(counts).filter(([, count]: [string, number]) => count > 0);
  if (parts.length > 0)
    reporter.onNotice?.(
      parts.map(([what, count]: [string, number]) => `${plural(count, "snapshot")} ${what}`).join(", "),
    );
}
