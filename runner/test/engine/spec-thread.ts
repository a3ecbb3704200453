// SPDX-License-Identifier: MIT
// A thread that spec files are loaded and run in. vitest's own, but its end before its time is told once, with the files that it had.
import { type PoolOptions, ThreadsPoolWorker, type WorkerRequest } from "vitest/node";
import { errnoOf, messageOf } from "../../support/errors.ts";
import type { Outcome } from "../outcome/outcome.ts";

export interface ThreadDeath {
  /** Those that it had been given; absolute. */
  readonly files: readonly string[];
  readonly outcome: Extract<Outcome, { readonly kind: "failed" | "infrastructure-failed" }>;
}

type Listener = (argument: unknown) => void;

export class SpecThread extends ThreadsPoolWorker {
  override readonly name = "spec-threads";
  readonly #onDeath: (death: ThreadDeath) => void;
  readonly #listeners = new Map<Listener, Listener>();
  readonly #messageListeners = new Set<Listener>();
  #files: readonly string[] = [];
  #exists = false;
  #isStarted = false;
  #isDead = false;

  constructor(options: PoolOptions, onDeath: (death: ThreadDeath) => void) {
    super(options);
    this.#onDeath = onDeath;
  }

  /** Where no further thread may be, that is how it ended; vitest itself then has nothing to stop, and takes that for a mistake of its own. */
  override async start(): Promise<void> {
    try {
      await super.start();
      this.#exists = true;
    } catch (error) {
      this.#die(error);
      throw error;
    }
  }

  override async stop(): Promise<void> {
    if (this.#exists) await super.stop();
  }

  override send(request: WorkerRequest): void {
    if (request.type === "run" || request.type === "collect")
      this.#files = request.context.files.map(({ filepath }) => filepath);
    super.send(request);
  }

  override on(event: string, listener: Listener): void {
    const own = this.#listenerOf(event, listener);
    this.#listeners.set(listener, own);
    super.on(event, own);
  }

  override off(event: string, listener: Listener): void {
    if (!this.#exists) return;
    super.off(event, this.#listeners.get(listener) ?? listener);
  }

  #listenerOf(event: string, listener: Listener): Listener {
    if (event === "message") {
      this.#messageListeners.add(listener);
      return (message) => {
        this.#isStarted = true;
        listener(message);
      };
    }
    if (event !== "error" && event !== "exit") return listener;
    return (reason) => {
      // A thread that fails ends as well, and vitest has nobody who would hear of it a second time.
      if (this.#isDead) return;
      this.#die(event === "error" ? reason : new Error(`it ended with exit code ${String(reason)}`));
      listener(reason);
    };
  }

  #die(reason: unknown): void {
    this.#isDead = true;
    this.#onDeath({ files: this.#files, outcome: outcomeOfDeath(reason) });
    if (this.#isStarted) return;
    // vitest waits a minute for the thread to say that it has started.
    const started = { __vitest_worker_response__: true, type: "started", error: reason };
    for (const listener of this.#messageListeners) listener(started);
  }
}

function outcomeOfDeath(reason: unknown): ThreadDeath["outcome"] {
  if (errnoOf(reason) === "ERR_WORKER_OUT_OF_MEMORY")
    return {
      kind: "failed",
      reason:
        "the thread of its spec file ran out of heap; NODE_OPTIONS=--max-old-space-size=<MiB> gives it more",
    };
  return {
    kind: "infrastructure-failed",
    reason: `the thread of its spec file ended before its time: ${messageOf(reason)}`,
  };
}
