// SPDX-License-Identifier: MIT
// Gives every test a clone of a machine that was booted once. What can't be cloned is booted, and the reader is told.
import { forkLibrary } from "../../../qemu/fork/library.ts";
import type { Machine } from "../../../qemu/machine.ts";
import { untilAborted } from "../../support/abort.ts";
import { messageOf } from "../../support/errors.ts";
import type { Snapshot } from "../snapshots/snapshot.ts";
import { discardSnapshot, provideSnapshot } from "../snapshots/store.ts";
import { BootProvider } from "./boot-provider.ts";
import { WaitingClone } from "./clone.ts";
import { ClonePool } from "./clone-pool.ts";
import { Forks } from "./forks.ts";
import type { GuestProvider, GuestRequest, StartContext, StartResult } from "./guest.ts";
import { type GuestBase, guestMachine } from "./guest-machine.ts";
import { makeTemplate, TemplateDidNotBoot } from "./template.ts";

/** Clones in a row that did not come to life, after which machines of that kind are booted. */
const mostFailures = 2;

export interface CloneOptions {
  readonly base: GuestBase;
  /** Clones that may wait for a test. */
  readonly poolSize: number;
  /** Machines that may wait to be forked; 0: none is forked. */
  readonly mostForkSources: number;
  /** Of the run: what one test asked for, others use. */
  readonly signal: AbortSignal;
  readonly onNotice: (line: string) => void;
}

/** All that is known of one kind of machine. */
interface Kind {
  readonly key: string;
  readonly machine: Machine;
  snapshot: Promise<Snapshot | undefined> | undefined;
  failures: number;
}

export class CloneProvider implements GuestProvider {
  readonly #options: CloneOptions;
  readonly #boot: BootProvider;
  readonly #pool: ClonePool<WaitingClone>;
  readonly #forks: Forks;
  readonly #kinds = new Map<string, Kind>();

  constructor(options: CloneOptions) {
    this.#options = options;
    this.#boot = new BootProvider(options.base);
    this.#pool = new ClonePool(options.poolSize);
    const { mostForkSources: mostSources, base, signal, onNotice } = options;
    const { warmUpObject } = base;
    this.#forks = new Forks({ mostSources, library: forkLibrary, warmUpObject, signal, onNotice });
  }

  async start(request: GuestRequest, context: StartContext): Promise<StartResult> {
    const kind = this.#kindOf(request);
    const wantedAt = performance.now();
    for (;;) {
      const found = await untilAborted(this.#snapshotOf(kind, request), context.signal);
      if (found === undefined) return this.#boot.start(request, context);
      if ("started" in found) return found;
      const result = await this.#clone(kind, found, request, context, wantedAt);
      if (result.started) {
        kind.failures = 0;
        this.#pool.fill(kind.key, () => this.#startClone(kind, found));
        return result;
      }
      await this.#afterFailure(kind, found, result.report.verdict.reason);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
    await this.#forks[Symbol.asyncDispose]();
    for (const { snapshot } of this.#kinds.values())
      await (await snapshot?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }

  /** From the wish for a guest to its first words. */
  get #limitMs(): number {
    const { bootLimitMs, slowness } = this.#options.base;
    return bootLimitMs * slowness.time;
  }

  #kindOf(request: GuestRequest): Kind {
    const machine = guestMachine(this.#options.base, request);
    const key = JSON.stringify(machine);
    const known = this.#kinds.get(key) ?? { key, machine, snapshot: undefined, failures: 0 };
    this.#kinds.set(key, known);
    return known;
  }

  /**
   * The snapshot to clone; undefined when machines of this kind are booted. A machine that does not boot is reported to whoever
   * was the first to ask; the others see for themselves.
   */
  async #snapshotOf(kind: Kind, request: GuestRequest): Promise<Snapshot | StartResult | undefined> {
    if (kind.snapshot !== undefined) return kind.snapshot;
    const { base, signal } = this.#options;
    const options = {
      consoleFile: request.consoleFile,
      bootLimitMs: this.#limitMs,
      slowness: base.slowness.time,
      signal,
    };
    // What is saved is the same whether translations are noted or not.
    const machine = { ...kind.machine, translations: undefined };
    const making = provideSnapshot(machine, (folder) => makeTemplate(machine, folder, options), signal);
    kind.snapshot = making.catch(() => undefined);
    try {
      return await making;
    } catch (error) {
      if (error instanceof TemplateDidNotBoot) return { started: false, report: error.report };
      if (!signal.aborted) this.#options.onNotice(`guests are booted, not cloned: ${messageOf(error)}`);
      return undefined;
    }
  }

  async #clone(
    kind: Kind,
    snapshot: Snapshot,
    request: GuestRequest,
    context: StartContext,
    wantedAt: number,
  ): Promise<StartResult> {
    const clone = (await this.#pool.take(kind.key)) ?? (await this.#startClone(kind, snapshot));
    const { consoleFile } = request;
    return clone.handOver({ consoleFile, wantedAt }, context);
  }

  async #startClone({ key, machine }: Kind, snapshot: Snapshot): Promise<WaitingClone> {
    const start = { limitMs: this.#limitMs, signal: this.#options.signal };
    const forked = await this.#forks.fork(key, machine, snapshot, start);
    return forked ?? (await WaitingClone.start(machine, snapshot, start));
  }

  /** A clone did not come to life. That is never the test's doing, but it may be the snapshot's. */
  async #afterFailure(kind: Kind, snapshot: Snapshot, reason: string): Promise<void> {
    // Another test may have found out before.
    if ((await kind.snapshot) !== snapshot) return;
    kind.failures += 1;
    this.#pool.drop(kind.key);
    await this.#forks.abandon(kind.key);
    if (kind.failures < mostFailures && (await snapshot.isIntact())) {
      this.#options.onNotice(`a clone did not start, another one is made: ${reason}`);
      return;
    }
    await discardSnapshot(snapshot);
    const again = kind.failures < mostFailures;
    kind.snapshot = again ? undefined : Promise.resolve(undefined);
    this.#options.onNotice(
      again
        ? `a snapshot was damaged and is made again: ${reason}`
        : `guests are booted, not cloned: ${reason}`,
    );
  }
}
