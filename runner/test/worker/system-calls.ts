// SPDX-License-Identifier: MIT
// System calls of the framework itself, without the exit records that a test would want to see with them.
import type { SyscallArg } from "../../protocol/generated.ts";
import type { GuestCalls } from "./guest-calls.ts";

/** A number, text (with a NUL behind it), bytes, or so many zero bytes to write to. */
export type Argument = number | bigint | string | Uint8Array | { readonly buffer: number };

export interface SystemCall {
  readonly syscall: string;
  readonly args?: readonly Argument[];
  readonly cpu?: number;
}

export interface Answer {
  /** As the kernel returns it: -errno on failure. */
  readonly ret: bigint;
  /** Contents of the first `buffer` argument. */
  readonly bytes: Buffer;
}

export interface SystemCallOptions {
  /** The calls work on the agent's own descriptors, so that one can use what another opened. */
  readonly keepFiles?: boolean;
  readonly timeoutMs?: number;
}

const usualMs = 10_000;
const graceMs = 5_000;

/** Makes the calls one after another. */
export async function systemCalls(
  calls: GuestCalls,
  list: readonly SystemCall[],
  { timeoutMs = usualMs, ...options }: SystemCallOptions = {},
): Promise<readonly Answer[]> {
  const params = {
    ...options,
    calls: list.map(({ args = [], ...call }) => ({ ...call, args: args.map(toWire) })),
    barrier: false,
    timeoutMs: Math.ceil(timeoutMs * calls.slowness),
  };
  const result = await calls.call("trigger", params, timeoutMs + graceMs);
  return result.calls.map(({ ret, buffers: [first = ""] }) => ({
    ret: BigInt(ret),
    bytes: Buffer.from(first, "base64"),
  }));
}

export function toWire(argument: Argument): SyscallArg {
  if (typeof argument === "string") return { text: argument };
  if (typeof argument === "bigint" || typeof argument === "number")
    return BigInt.asUintN(64, BigInt(argument)).toString();
  if (argument instanceof Uint8Array) return { data: Buffer.from(argument).toString("base64") };
  return argument;
}
