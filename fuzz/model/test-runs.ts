// SPDX-License-Identifier: MIT
// What a test run of a program on a packet is given, and what it gives.
import type { EntryName } from "./files.ts";
import { packetOf } from "./packets.ts";

/** As bpf(2) takes it. */
export interface TestRunInput {
  readonly data: Buffer;
  readonly context: Buffer;
  /** Bytes in front of the packet, in what comes out as well. */
  readonly headBytes: number;
}

/** What XDP gets instead of a verdict, and tc: of a program that did not come to its end. */
const verdictAtEnd = { xdp: 0, tc: 2 } as const;

/** Which program of the object is to run, where its result goes, and its input, which the packet follows from. */
export function testRunInput(name: EntryName, index: number, slot: number, input: bigint): TestRunInput {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(index, 0);
  head.writeUInt32LE(slot, 4);
  head.writeBigUInt64LE(input, 8);
  const packet = packetOf(input, isXdp(name) ? "xdp" : "tc");
  if (isXdp(name)) {
    // In the metadata in front of the packet; struct xdp_md says that it is there.
    const context = Buffer.alloc(24);
    context.writeUInt32LE(head.length, 0);
    context.writeUInt32LE(head.length + packet.length, 4);
    return { data: Buffer.concat([head, packet]), context, headBytes: head.length };
  }
  // In cb of struct __sk_buff.
  const context = Buffer.alloc(192);
  head.copy(context, 48);
  return { data: Buffer.from(packet), context, headBytes: 0 };
}

export function verdictOf(name: EntryName, result: bigint): number {
  return isXdp(name) ? 1 + Number(result % 4n) : Number(result % 2n);
}

export function verdictWithoutEnd(name: EntryName): number {
  return verdictAtEnd[isXdp(name) ? "xdp" : "tc"];
}

function isXdp(name: EntryName): boolean {
  return name.startsWith("xdp");
}
