// SPDX-License-Identifier: MIT
// What makes programs run, written as system calls: storms on all CPUs, and timers.
import type { TriggerCall } from "./guest-api.ts";

export interface Storm extends Omit<TriggerCall, "cpu"> {
  /** Threads, spread over the CPUs; as many as there are CPUs if not given, 64 at most. */
  readonly threads?: number;
}

const mostThreads = 64;

/** The calls of a storm; they start together, behind the barrier of `trigger`. */
export function stormCalls({ threads, ...call }: Storm, cpus: readonly number[]): readonly TriggerCall[] {
  const count = threads ?? cpus.length;
  if (!Number.isInteger(count) || count < 1 || count > mostThreads)
    throw new RangeError(`storm: threads is ${count}, and has to be a whole number from 1 to ${mostThreads}`);
  return Array.from({ length: count }, (_, index) => ({ ...call, cpu: cpus[index % cpus.length] ?? 0 }));
}

/** nanosleep(2): arms a high-resolution timer on the CPU, whose interrupt comes when it is due. */
export function timerCall(
  afterUs: number,
  options: { readonly cpu?: number; readonly repeat?: number },
): TriggerCall {
  if (!Number.isInteger(afterUs) || afterUs < 1)
    throw new RangeError(`timer: ${afterUs} µs, and it has to be a whole number from 1 on`);
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(Math.floor(afterUs / 1_000_000)), 0);
  time.writeBigInt64LE(BigInt(afterUs % 1_000_000) * 1_000n, 8);
  return { ...options, syscall: "nanosleep", args: [time, 0] };
}
