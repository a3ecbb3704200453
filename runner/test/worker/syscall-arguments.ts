// SPDX-License-Identifier: MIT
// Arguments of system calls as the agent wants them.
import type { SyscallArg } from "../../protocol/generated.ts";

/** A number, text (with a NUL behind it), bytes, or so many zero bytes to write to. */
export type Argument = number | bigint | string | Uint8Array | { readonly buffer: number };

export function toWire(argument: Argument): SyscallArg {
  if (typeof argument === "string") return { text: argument };
  if (typeof argument === "bigint" || typeof argument === "number")
    return BigInt.asUintN(64, BigInt(argument)).toString();
  if (argument instanceof Uint8Array) return { data: Buffer.from(argument).toString("base64") };
  return argument;
}
