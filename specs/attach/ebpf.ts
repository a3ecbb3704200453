// SPDX-License-Identifier: MIT
// eBPF programs to compare Rex's with, and how the kernel refuses something.
import { ebpfInstruction } from "rex-test";

/** Instructions of a program that returns a number. */
export function returns(value: number): Buffer {
  return Buffer.concat([ebpfInstruction(0xb7, 0, 0, value), ebpfInstruction(0x95, 0, 0, 0)]); // r0 = value; exit
}

/** "done", or the name of the errno that the kernel refused with. */
export async function answerTo(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return "done";
  } catch (error) {
    const { body } = error as { readonly body?: { readonly errnoName?: string } };
    if (body?.errnoName === undefined) throw error;
    return body.errnoName;
  }
}
