// SPDX-License-Identifier: MIT
// Lets tests that do not insist on a guest of their own (`isolate`) have one that others have left as they found it.
import type { Guest, GuestProvider, GuestReport, GuestRequest, StartContext, StartResult } from "./guest.ts";

/** They sleep, but each takes memory. */
const mostKept = 4;

interface Kept {
  readonly guest: Guest;
  readonly key: string;
  /** Whose log it is, which changes with its tests. */
  readonly tap: { onLog: StartContext["onLog"] };
}

/** Where it gets guests from is not its own to dispose of. */
export class KeepingProvider implements GuestProvider {
  readonly #inner: GuestProvider;
  readonly #runSignal: AbortSignal;
  readonly #lent = new WeakMap<Guest, Kept>();
  /** Oldest first. */
  #kept: Kept[] = [];

  constructor(inner: GuestProvider, runSignal: AbortSignal) {
    this.#inner = inner;
    this.#runSignal = runSignal;
  }

  async start(request: GuestRequest, context: StartContext): Promise<StartResult> {
    if (request.scope === undefined) return this.#inner.start(request, context);
    const key = keyOf(request);
    const wantedAt = performance.now();
    const known = await this.#take(key);
    if (known !== undefined) {
      known.tap.onLog = context.onLog;
      known.guest.handOver(request.consoleFile, wantedAt);
      return { started: true, guest: known.guest };
    }
    const tap = { onLog: context.onLog };
    // A guest for all files outlives the one that it was started for.
    const signal = request.scope === "" ? this.#runSignal : context.signal;
    const result = await this.#inner.start(request, { signal, onLog: (records) => tap.onLog(records) });
    if (result.started) this.#lent.set(result.guest, { guest: result.guest, key, tap });
    return result;
  }

  /** Keeps a guest for another test of its scope; one that was not lent for a scope ends. */
  async giveBack(guest: Guest): Promise<GuestReport> {
    const lent = this.#lent.get(guest);
    if (lent === undefined) return guest.finish();
    const report = guest.report();
    lent.tap.onLog = () => undefined;
    this.#kept.push(lent);
    if (this.#kept.length > mostKept) await this.#kept.shift()?.guest[Symbol.asyncDispose]();
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const kept = this.#kept;
    this.#kept = [];
    await Promise.all(kept.map(({ guest }) => guest[Symbol.asyncDispose]()));
  }

  /** One that is still there and answers: its file's worker may have gone, and the guest with it. */
  async #take(key: string): Promise<Kept | undefined> {
    for (;;) {
      const index = this.#kept.findIndex((kept) => kept.key === key);
      const [taken] = index < 0 ? [] : this.#kept.splice(index, 1);
      if (taken === undefined) return undefined;
      if (await taken.guest.isAnswering().catch(() => false)) return taken;
      await taken.guest[Symbol.asyncDispose]();
    }
  }
}

function keyOf(request: GuestRequest): string {
  const {
    scope,
    cpus,
    cpusTakeTurns = false,
    memoryMiB,
    kernelParameters,
    hostTools,
    net,
    diskMiB,
    kernel,
  } = request;
  const machine = [cpus, cpusTakeTurns, memoryMiB, kernelParameters, hostTools, net ?? "", diskMiB ?? 0];
  return JSON.stringify([scope, ...machine, kernel ?? ""]);
}
