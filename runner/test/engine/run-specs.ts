// SPDX-License-Identifier: MIT
// One run from beginning to end: find, read, prepare, compile, run, sum up. Each step cleans up after itself, whatever ends it.
import { relative } from "node:path";
import { RexTestError } from "../../support/errors.ts";
import type { Progress } from "../../support/progress.ts";
import { findSpecs } from "../collect/find-specs.ts";
import { chooseProvider } from "../guests/choose-provider.ts";
import { GuestHost } from "../host/guest-host.ts";
import { countOutcomes, exitCodeOf } from "../outcome/outcome.ts";
import type { Reporter, RunSummary } from "../reporters/reporter.ts";
import { type ArtifactsFolder, artifactsRoot, openArtifactsFolder } from "./artifacts-folder.ts";
import { type Collected, collectSpecs } from "./collect.ts";
import { FailureLog, settingsOfFailures } from "./failures.ts";
import { Ledger } from "./ledger.ts";
import { type Prepared, prepare } from "./prepare.ts";
import type { RunSettings } from "./settings.ts";
import { runFiles } from "./vitest-engine.ts";

export async function runSpecs(
  settings: RunSettings,
  reporter: Reporter,
  progress: Progress,
  /** By a run of the same process before this one; its compiler knows the programs that it has seen. */
  ready?: Prepared,
): Promise<RunSummary> {
  const startedAt = performance.now();
  const collected = await collectSpecs(await findSpecs(settings.paths, settings.cwd), settings.cwd);
  let failures: FailureLog | undefined;
  const ledger = new Ledger(settings, {
    onTest: (test) => {
      failures?.add(test);
      reporter.onTest?.(test);
    },
    onIgnored: (test) => reporter.onIgnored?.(test),
    onBrokenFile: (file) => reporter.onBrokenFile?.(file),
  });
  if (collected.files.length > 0) {
    const prepared = ready ?? (await prepare(settings, collected.programs, progress));
    progress[Symbol.dispose]();
    reporter.onStart?.({
      files: collected.files.length,
      kernel: prepared.kernel.name,
      machine: prepared.machine,
      jobs: settings.jobs,
    });
    for (const file of collected.brokenFiles) ledger.addBrokenFile(file);
    await using artifacts = await openArtifacts(settings);
    failures = new FailureLog(artifacts.path, settingsOfFailures(settings, prepared));
    await runCollected(settings, collected, { prepared, artifacts, ledger, reporter });
  } else {
    for (const file of collected.brokenFiles) ledger.addBrokenFile(file);
  }
  checkSomethingMatched(settings, ledger);
  const summary = summarise(ledger, performance.now() - startedAt, settings.signal.aborted);
  await reporter.onEnd?.(summary);
  return summary;
}

interface RunParts {
  readonly prepared: Prepared;
  readonly artifacts: ArtifactsFolder;
  readonly ledger: Ledger;
  readonly reporter: Reporter;
}

function openArtifacts({ artifacts, cwd }: RunSettings): Promise<ArtifactsFolder> {
  return openArtifactsFolder(artifacts ?? artifactsRoot(cwd));
}

async function runCollected(
  settings: RunSettings,
  collected: Collected,
  { prepared, artifacts, ledger, reporter }: RunParts,
): Promise<void> {
  const stuck = new AbortController();
  await using provider = chooseProvider(settings, prepared.guests, (line) => reporter.onNotice?.(line));
  await using host = await GuestHost.listen({
    provider,
    compiler: prepared.compiler,
    jobs: settings.jobs,
    signal: settings.signal,
    onActivity: (activity) =>
      reporter.onActivity?.({ ...activity, file: relative(settings.cwd, activity.file) }),
    onStuck: ({ specFile, test }) => {
      ledger.addStuck(specFile, test);
      stuck.abort();
    },
  });
  const worker = {
    socketName: host.socketName,
    token: host.token,
    artifactsFolder: artifacts.path,
    projectRoot: settings.cwd,
    defaultTimeoutMs: settings.timeoutMs,
    traceLeaks: settings.traceLeaks,
    kernel: {
      name: prepared.kernel.name,
      path: prepared.kernel.path,
      options: prepared.kernel.config.toRecord(),
    },
  };
  await runFiles(
    {
      files: collected.files,
      root: settings.cwd,
      worker,
      filter: settings.filter,
      jobs: settings.jobs,
      signal: settings.signal,
      stuck: stuck.signal,
    },
    {
      onTest: (test) => ledger.addTest(test),
      onModule: (module) => ledger.addModule(module),
      onConsole: (text) => reporter.onConsole?.(text),
      onStray: (error) => ledger.addStray(error),
    },
  );
}

function checkSomethingMatched(settings: RunSettings, ledger: Ledger): void {
  if (settings.signal.aborted || ledger.brokenFiles.length > 0 || ledger.stray.length > 0) return;
  if (ledger.tests.length > 0 || ledger.ignored.length > 0) return;
  if (settings.filter === undefined) {
    throw new RexTestError("the specs contain no tests", {
      hint: 'a test is registered with rexTest("name", async (t) => { … })',
    });
  }
  throw new RexTestError(`no test matches --filter ${settings.filter.text}`, {
    hint: "rex-test run --list shows all names",
  });
}

function summarise(ledger: Ledger, durationMs: number, interrupted: boolean): RunSummary {
  const counts = countOutcomes([
    ...ledger.tests.map((test) => test.verdict.outcome.kind),
    // A spec that can't be read is wrong code, like a failed test; an error outside of any test says nothing about the code under test.
    ...ledger.brokenFiles.map(() => "failed" as const),
    ...ledger.stray.map(() => "infrastructure-failed" as const),
  ]);
  return {
    tests: ledger.tests,
    ignored: ledger.ignored,
    brokenFiles: ledger.brokenFiles,
    stray: ledger.stray,
    counts,
    exitCode: exitCodeOf(counts),
    durationMs: Math.round(durationMs),
    interrupted,
  };
}
