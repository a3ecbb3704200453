// SPDX-License-Identifier: MIT
// Calls to the agent on behalf of one test: each with a limit, none beyond the end of the test.
import type { KernelConfig } from "../../kernel/config.ts";
import type { Hello, LogRecord, MethodName, Methods } from "../../protocol/generated.ts";
import { messageOf } from "../../support/errors.ts";
import type { CallLimits } from "../guests/guest.ts";
import { ChannelClosedError, followsFromEnd, markAsFollowing } from "../rpc/call-errors.ts";

/** The guest at the other end: a worker's view of it, or in the main process the guest itself. */
export interface CalledGuest {
  readonly hello: Hello;
  /** The kernel log as far as it has come. */
  readonly log: readonly LogRecord[];
  /** Whether it has come to an end of its own. */
  readonly isOver?: boolean;
  call<M extends MethodName>(
    method: M,
    params: Methods[M]["params"],
    limits: CallLimits,
  ): Promise<Methods[M]["result"]>;
}

/** The agent answers in milliseconds; this is for a loaded machine without KVM. */
export const usualLimitMs = 15_000;

/** Told when a call begins; what it gives is called when the answer has come, and waited for. */
export type CallObserver = (method: MethodName) => () => Promise<void>;

export class GuestCalls {
  readonly guest: CalledGuest;
  readonly #signal: AbortSignal;
  #observer: CallObserver | undefined;
  /** How many times slower than usual this kernel is: all limits are as much longer. */
  readonly slowness: number;

  /** Of its kernel, where it is known. */
  readonly config: KernelConfig | undefined;

  constructor(guest: CalledGuest, signal: AbortSignal, slowness = 1, config?: KernelConfig) {
    this.guest = guest;
    this.config = config;
    this.slowness = slowness;
    this.#signal = signal;
  }

  /** For calls of the framework's own. */
  unobserved(): GuestCalls {
    return new GuestCalls(this.guest, this.#signal, this.slowness, this.config);
  }

  /** Has all further calls observed. */
  observe(observer: CallObserver): void {
    this.#observer = observer;
  }

  async call<M extends MethodName>(
    method: M,
    params: Methods[M]["params"],
    timeoutMs: number = usualLimitMs,
  ): Promise<Methods[M]["result"]> {
    const done = this.#observer?.(method);
    try {
      return await this.guest.call(method, params, {
        timeoutMs: timeoutMs * this.slowness,
        signal: this.#signal,
      });
    } catch (error) {
      // Nobody may be waiting for this call any more: its test has ended with the guest.
      if (this.guest.isOver || error instanceof ChannelClosedError) markAsFollowing(error);
      else if (this.#signal.aborted && error === this.#signal.reason) {
        const cutOff = new Error(`${method} was not answered: ${messageOf(error)}`);
        if (followsFromEnd(error)) markAsFollowing(cutOff);
        throw cutOff;
      }
      throw error;
    } finally {
      await done?.();
    }
  }
}
