// SPDX-License-Identifier: MIT
// Looks after a test whether it left its guest as it found it. The test need not ask for it.
import type { ExitRecord } from "../../protocol/generated.ts";
import { visible } from "../../support/format.ts";
import type { Splat } from "../outcome/splat.ts";
import type { GuestApi } from "./guest-api.ts";
import type { GuestCalls } from "./guest-calls.ts";
import { type Holdings, takeHoldings } from "./holdings.ts";
import { LeakTrace } from "./leak-trace.ts";
import { type Leak, leaks } from "./leaks.ts";
import type { CheckedOptions } from "./options.ts";

/** Freeing a program waits for RCU; what is still there after this time stays. */
const freeingLimitMs = 2_000;
const longestFreeingMs = 60_000;
const freeingPollMs = 20;

export class SanitizerError extends Error {
  override readonly name = "SanitizerError";
}

export interface Start {
  /** The spec file in which the test's calls are to be found; absent, they are not traced. */
  readonly traceLeaks: string | undefined;
  /** Another test has used the guest before. */
  readonly isKept: boolean;
}

export class Sanitizers {
  readonly #guest: GuestApi;
  readonly #calls: GuestCalls;
  readonly #wanted: CheckedOptions["sanitize"];
  readonly #before: Holdings;
  readonly #trace: LeakTrace | undefined;

  private constructor(
    guest: GuestApi,
    calls: GuestCalls,
    wanted: CheckedOptions["sanitize"],
    before: Holdings,
    trace: LeakTrace | undefined,
  ) {
    this.#guest = guest;
    this.#calls = calls;
    this.#wanted = wanted;
    this.#before = before;
    this.#trace = trace;
  }

  static async begin(
    guest: GuestApi,
    calls: GuestCalls,
    wanted: CheckedOptions["sanitize"],
    { traceLeaks, isKept }: Start,
  ): Promise<Sanitizers> {
    const own = calls.unobserved();
    const before = isKept ? await takeHoldings(own) : await holdingsAtStart(own);
    const trace = traceLeaks === undefined ? undefined : new LeakTrace(own, traceLeaks, before);
    if (trace !== undefined) calls.observe(trace.observer);
    return new Sanitizers(guest, own, wanted, before, trace);
  }

  /** What is wrong, one complaint each; asked when the test has released what it held. */
  async complaints(expectsSplat: boolean): Promise<readonly string[]> {
    const complaints: string[] = [];
    if (this.#wanted.exits) complaints.push(...(await this.#guest.unaccountedExits()).map(describeExit));
    if (this.#wanted.resources) {
      const found = await this.#settledLeaks();
      complaints.push(...found.map((leak) => this.#trace?.explain(leak) ?? leak.message));
    }
    if (this.#wanted.taint) {
      const { taint, taintFlags } = await this.#guest.inventory();
      if (changedTaint(this.#before.inventory.taint, taint, expectsSplat))
        complaints.push(`the kernel is tainted: ${taintFlags.join(", ") || taint}`);
    }
    return complaints;
  }

  async #settledLeaks(): Promise<readonly Leak[]> {
    const giveUpAt = performance.now() + Math.min(freeingLimitMs * this.#calls.slowness, longestFreeingMs);
    for (;;) {
      const found = leaks(this.#before, await takeHoldings(this.#calls));
      if (found.length === 0 || performance.now() > giveUpAt) return found;
      await new Promise((resolve) => setTimeout(resolve, freeingPollMs));
    }
  }
}

/** Clones of one snapshot begin alike, so that the first one's answer is that of all. */
const knownStarts = new Map<string, Promise<Holdings>>();

function holdingsAtStart(calls: GuestCalls): Promise<Holdings> {
  const { hello } = calls.guest;
  // When the guest booted, to the millisecond, is part of it: guests that were booted on their own have no start in common.
  const key = JSON.stringify(hello);
  const known = knownStarts.get(key);
  // Should the guest that was asked have died, this one is asked itself.
  if (known !== undefined) return known.catch(() => takeHoldings(calls));
  const taken = takeHoldings(calls);
  knownStarts.set(key, taken);
  // A guest that dies while it is asked says nothing about the others.
  taken.catch(() => knownStarts.delete(key));
  return taken;
}

/** Bit of TAINT_WARN: set by the first warning, which may be one that the test expects. */
const taintWarn = 1 << 9;

function changedTaint(before: number, after: number, expectsSplat: boolean): boolean {
  const ignored = expectsSplat ? taintWarn : 0;
  return (before & ~ignored) !== (after & ~ignored);
}

export function describeSplat(splat: Splat): string {
  return `the kernel complained (${splat.kind}): ${splat.title}`;
}

export function describeExit(exit: ExitRecord): string {
  const where = exit.location ? ` at ${visible(exit.location)}` : "";
  return `program ${exit.prog} ended abnormally and nothing in the test expected it: ${exit.reason}: ${visible(exit.message ?? "")}${where}`;
}
