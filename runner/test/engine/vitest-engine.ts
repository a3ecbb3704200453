// SPDX-License-Identifier: MIT
// vitest as the engine: it loads spec files in worker threads, runs test functions and collects what they throw. Which
// tests, how many at a time and what their outcomes mean is decided elsewhere.
import { fileURLToPath } from "node:url";
import {
  createVitest,
  type TestCase,
  type TestModule,
  type Vitest,
  type Reporter as VitestReporter,
} from "vitest/node";
import { hintFor, RexTestError } from "../../support/errors.ts";
import type { WorkerSettings } from "../host/protocol.ts";
import { followsFromEnd } from "../rpc/call-errors.ts";
import type { RawError } from "./shown-error.ts";
import { SpecThread, type ThreadDeath } from "./spec-thread.ts";

export interface EngineEvents {
  onTest(test: TestCase): void;
  onModule(module: TestModule): void;
  /** What a spec printed. */
  onConsole(text: string): void;
  onStray(error: RawError): void;
  /** A thread ended while it had spec files: nothing more will be heard of their tests. */
  onDeath(death: ThreadDeath): void;
}

export interface EngineOptions {
  readonly root: string;
  /** Guests, and so tests, at a time. */
  readonly jobs: number;
  /** Threads that load and run spec files. */
  readonly workers: number;
  readonly retry: number;
  readonly shuffleSeed: number | undefined;
  /** Snapshots that differ or are missing: written, only the missing ones written, or both are failures. */
  readonly snapshots: "all" | "new" | "none";
  /** Of beforeAll and afterAll. */
  readonly hookTimeoutMs: number;
}

export interface RunOptions {
  /** The ids of the tests to run, by file. */
  readonly tests: ReadonlyMap<string, readonly string[]>;
  readonly worker: WorkerSettings;
  /** Aborted when the run is to end early, in good order. */
  readonly signal: AbortSignal;
  /** Aborted when a worker blocks its thread: the run can then only be ended by force. */
  readonly stuck: AbortSignal;
}

export interface CollectedModules {
  readonly modules: readonly TestModule[];
  /** Of the threads of files that can't be loaded, one each. */
  readonly deaths: readonly ThreadDeath[];
}

export interface SnapshotCounts {
  readonly written: number;
  readonly updated: number;
  readonly removed: number;
}

/** Who hears what vitest reports: of tests nobody while specs are only loaded. */
interface Listening {
  events: EngineEvents | undefined;
  onDeath: ((death: ThreadDeath) => void) | undefined;
}

export class VitestEngine implements AsyncDisposable {
  readonly #vitest: Vitest;
  readonly #listening: Listening;

  private constructor(vitest: Vitest, listening: Listening) {
    this.#vitest = vitest;
    this.#listening = listening;
  }

  static async open(options: EngineOptions): Promise<VitestEngine> {
    const listening: Listening = { events: undefined, onDeath: undefined };
    const onDeath = (death: ThreadDeath) => listening.onDeath?.(death);
    const vitest = await openVitest(options, onDeath, {
      onTestCaseResult: (test) => listening.events?.onTest(test),
      onUserConsoleLog: (log) => listening.events?.onConsole(log.content),
      onTestModuleEnd: (module) => listening.events?.onModule(module),
      onTestRunEnd: (_modules, errors) => {
        // That a thread died is told with its files.
        for (const error of errors)
          if (!error.message.startsWith("[vitest-pool]")) listening.events?.onStray(error);
      },
    });
    return new VitestEngine(vitest, listening);
  }

  /** Loads the files without running their tests. */
  async collect(files: readonly string[], worker: WorkerSettings): Promise<CollectedModules> {
    this.#vitest.provide("rexTest", worker);
    const { modules, deaths } = await this.#load(files);
    if (deaths.length === 0) return { modules, deaths };
    const [host] = deaths.filter(({ outcome }) => outcome.kind === "infrastructure-failed");
    if (host !== undefined)
      throw new RexTestError(host.outcome.reason, { hint: hintFor(host.outcome.reason) });
    // One of the thread's files is to blame: each that was lost is loaded again, by itself.
    const had = new Set(deaths.flatMap((death) => death.files));
    const found = modules.filter(({ moduleId }) => !had.has(moduleId));
    const blamed: ThreadDeath[] = [];
    for (const file of had) {
      const alone = await this.#load([file]);
      blamed.push(...alone.deaths);
      if (alone.deaths.length === 0) found.push(...alone.modules);
    }
    return { modules: found, deaths: blamed };
  }

  async #load(files: readonly string[]): Promise<CollectedModules> {
    const project = this.#vitest.getRootProject();
    const specifications = files.map((file) => project.createSpecification(file));
    const deaths: ThreadDeath[] = [];
    this.#listening.onDeath = (death) => deaths.push(death);
    try {
      const { testModules } = await this.#vitest.collectTests(specifications);
      const wanted = new Set(files);
      return { modules: testModules.filter(({ moduleId }) => wanted.has(moduleId)), deaths };
    } finally {
      this.#listening.onDeath = undefined;
    }
  }

  /** Runs the tests; resolves when all of them are done or the signal cut them short. */
  async run({ tests, worker, signal, stuck }: RunOptions, events: EngineEvents): Promise<SnapshotCounts> {
    const project = this.#vitest.getRootProject();
    this.#vitest.provide("rexTest", worker);
    const onAbort = () => void this.#vitest.cancelCurrentRun("keyboard-input");
    const onStuck = () => {
      // The second wish to cancel ends the threads, whatever they are doing.
      onAbort();
      onAbort();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    stuck.addEventListener("abort", onStuck, { once: true });
    this.#listening.events = events;
    this.#listening.onDeath = events.onDeath;
    try {
      signal.throwIfAborted();
      const specifications = [...tests].map(([file, ids]) =>
        project.createSpecification(file, { testIds: [...ids] }),
      );
      await this.#vitest.runTestSpecifications(specifications, true);
    } finally {
      this.#listening.events = undefined;
      this.#listening.onDeath = undefined;
      signal.removeEventListener("abort", onAbort);
      stuck.removeEventListener("abort", onStuck);
    }
    const { added, updated, unmatched, filesRemoved } = this.#vitest.snapshot.summary;
    return { written: added, updated: updated + unmatched, removed: filesRemoved };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#vitest.close();
  }
}

async function openVitest(
  options: EngineOptions,
  onDeath: (death: ThreadDeath) => void,
  reporter: VitestReporter,
): Promise<Vitest> {
  const signalHandlers = rememberSignalHandlers();
  const { shuffleSeed } = options;
  const vitest = await createVitest(
    "test",
    {
      config: false,
      root: options.root,
      watch: false,
      reporters: [reporter],
      // Threads rather than processes: they end with this process, whatever ends it.
      pool: { name: "spec-threads", createPoolWorker: (pool) => new SpecThread(pool, onDeath) },
      isolate: false,
      maxWorkers: Math.max(1, options.workers),
      // The tests of a file run side by side, each on its own guest; the queue in front of the guests is the real bound.
      sequence: {
        concurrent: true,
        ...(shuffleSeed === undefined ? {} : { shuffle: true, seed: shuffleSeed }),
      },
      runner: fileURLToPath(new URL("../worker/runner.ts", import.meta.url)),
      maxConcurrency: options.jobs,
      // Limits are ours: they start when the guest is ready, not while it waits for its turn.
      testTimeout: 0,
      hookTimeout: options.hookTimeoutMs,
      teardownTimeout: 5_000,
      retry: options.retry,
      update: options.snapshots,
      // Where it is forbidden the registration says so, in our words.
      allowOnly: true,
      // What the end of a guest does to calls that nobody awaits is no error of its own.
      onUnhandledError: (error) => (followsFromEnd(error) ? false : undefined),
      passWithNoTests: true,
      cache: false,
      includeTaskLocation: true,
      // Node does not strip types under node_modules, where a user's project has us.
      server: { deps: { inline: [/\/node_modules\/rex-test\//] } },
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
