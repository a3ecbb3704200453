// SPDX-License-Identifier: MIT
// vitest as the engine: it loads spec files in worker threads, runs test functions and collects what they throw. Which
// files, how many at a time and what their outcomes mean is decided here.
import {
  createVitest,
  type TestCase,
  type TestModule,
  type Vitest,
  type Reporter as VitestReporter,
} from "vitest/node";
import type { WorkerSettings } from "../host/protocol.ts";
import type { Filter } from "./settings.ts";

export interface EngineEvents {
  onTest(test: TestCase): void;
  onModule(module: TestModule): void;
  /** What a spec printed. */
  onConsole(text: string): void;
  onStray(error: { readonly message: string }): void;
}

export interface EngineOptions {
  readonly files: readonly string[];
  readonly root: string;
  readonly worker: WorkerSettings;
  readonly filter: Filter | undefined;
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Aborted when a worker blocks its thread: the run can then only be ended by force. */
  readonly stuck: AbortSignal;
}

/** Runs the files; resolves when all of them are done or the signal cut them short. */
export async function runFiles(options: EngineOptions, events: EngineEvents): Promise<void> {
  const vitest = await openVitest(options, {
    onTestCaseResult: (test) => events.onTest(test),
    onUserConsoleLog: (log) => events.onConsole(log.content),
    onTestModuleEnd: (module) => events.onModule(module),
    onTestRunEnd: (_modules, errors) => {
      for (const error of errors) events.onStray(error);
    },
  });
  const onAbort = () => void vitest.cancelCurrentRun("keyboard-input");
  const onStuck = () => {
    // The second wish to cancel ends the threads, whatever they are doing.
    onAbort();
    onAbort();
  };
  options.signal.addEventListener("abort", onAbort, { once: true });
  options.stuck.addEventListener("abort", onStuck, { once: true });
  try {
    options.signal.throwIfAborted();
    await vitest.runTestSpecifications(specifications(vitest, options.files), true);
  } finally {
    options.signal.removeEventListener("abort", onAbort);
    options.stuck.removeEventListener("abort", onStuck);
    await vitest.close();
  }
}

/** Loads the files without running their tests. */
export async function listTests(options: EngineOptions): Promise<readonly TestModule[]> {
  const vitest = await openVitest(options, {});
  try {
    return (await vitest.collectTests(specifications(vitest, options.files))).testModules;
  } finally {
    await vitest.close();
  }
}

function specifications(vitest: Vitest, files: readonly string[]) {
  const project = vitest.getRootProject();
  return files.map((file) => project.createSpecification(file));
}

async function openVitest(options: EngineOptions, reporter: VitestReporter): Promise<Vitest> {
  const signalHandlers = rememberSignalHandlers();
  const vitest = await createVitest(
    "test",
    {
      config: false,
      root: options.root,
      watch: false,
      reporters: [reporter],
      // Threads rather than processes: they end with this process, whatever ends it.
      pool: "threads",
      isolate: false,
      maxWorkers: Math.max(1, Math.min(options.jobs, options.files.length)),
      // The tests of a file run side by side, each on its own guest; the queue in front of the guests is the real bound.
      sequence: { concurrent: true },
      maxConcurrency: options.jobs,
      // Limits are ours: they start when the guest is ready, not while it waits for its turn.
      testTimeout: 0,
      hookTimeout: 0,
      teardownTimeout: 5_000,
      ...(options.filter === undefined ? {} : { testNamePattern: options.filter.pattern }),
      passWithNoTests: true,
      cache: false,
      includeTaskLocation: true,
      // Node does not strip types under node_modules, where a user's project has us.
      server: { deps: { inline: [/rex-test/] } },
      provide: { rexTest: options.worker },
    },
    { logLevel: "error" },
  );
  signalHandlers.restore();
  await vitest.standalone();
  return vitest;
}

/**
 * vitest ends the process on SIGINT and SIGTERM one millisecond after them. Here they are a wish to end in good order
 * (support/interruption.ts), so what it adds is taken away again.
 */
function rememberSignalHandlers(): { restore(): void } {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const before = new Map(signals.map((signal) => [signal, new Set(process.listeners(signal))]));
  const restore = () => {
    for (const signal of signals) {
      for (const listener of process.listeners(signal)) {
        if (!before.get(signal)?.has(listener)) process.removeListener(signal, listener);
      }
    }
  };
  return { restore };
}
