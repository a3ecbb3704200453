// SPDX-License-Identifier: MIT
// Calls to the agent on behalf of one test: each with a limit, none beyond the end of the test.
import type { Hello, LogRecord, MethodName, Methods } from "../../protocol/generated.ts";
import type { CallLimits } from "../guests/guest.ts";

/** The guest at the other end: a worker's view of it, or in the main process the guest itself. */
export interface CalledGuest {
  readonly hello: Hello;
  /** The kernel log as far as it has come. */
  readonly log: readonly LogRecord[];
  call<M extends MethodName>(
    method: M,
    params: Methods[M]["params"],
    limits: CallLimits,
  ): Promise<Methods[M]["result"]>;
}

/** The agent answers in milliseconds; this is for a loaded machine without KVM. */
export const usualLimitMs = 15_000;

export class GuestCalls {
  readonly guest: CalledGuest;
  readonly #signal: AbortSignal;
  /** How many times slower than usual this kernel is: all limits are as much longer. */
  readonly slowness: number;

  constructor(guest: CalledGuest, signal: AbortSignal, slowness = 1) {
    this.guest = guest;
    this.slowness = slowness;
    this.#signal = signal;
  }

  call<M extends MethodName>(
    method: M,
    params: Methods[M]["params"],
    timeoutMs: number = usualLimitMs,
  ): Promise<Methods[M]["result"]> {
    return this.guest.call(method, params, { timeoutMs: timeoutMs * this.slowness, signal: this.#signal });
  }
}
