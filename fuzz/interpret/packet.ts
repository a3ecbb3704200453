// SPDX-License-Identifier: MIT
// The packet of a program, whose ends can be moved.

import type { Bytes } from "./bytes.ts";
import { Stop } from "./ending.ts";

const einval = 22n;
/** With less than an Ethernet header left nothing is moved. */
const bytesAtLeast = 14n;
/** Room in front of a packet that there surely is, and surely is not; its buffer is a page, of which the kernel has some for itself. */
const [surelyRoom, surelyNoRoom] = [150n, 256n];
/** Bytes that a packet can surely grow to, and surely can't. */
const [surelyBytes, surelyTooMany] = [2_500n, 4_096n];

export class Packet {
  bytes: Bytes;
  /** How far the head has been moved down. */
  #grown = 0n;

  constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  /** The errno, 0 for none. */
  adjustTail(by: bigint): bigint {
    const length = BigInt(this.bytes.length);
    const to = length + by;
    if (to < bytesAtLeast || to > surelyTooMany) return einval;
    if (to > surelyBytes) throw new Stop("undecided");
    this.bytes = [...this.bytes, ...zeroes(by)].slice(0, Number(to));
    return 0n;
  }

  /** What is new is zeroed, which the programs do themselves. */
  adjustHead(by: bigint): bigint {
    const grown = this.#grown - by;
    if (BigInt(this.bytes.length) - by < bytesAtLeast || grown > surelyNoRoom) return einval;
    if (grown > surelyRoom) throw new Stop("undecided");
    this.#grown = grown;
    this.bytes = [...zeroes(-by), ...this.bytes.slice(by > 0n ? Number(by) : 0)];
    return 0n;
  }
}

function zeroes(count: bigint): Bytes {
  return Array.from({ length: Math.max(0, Number(count)) }, () => 0n);
}
