// SPDX-License-Identifier: MIT
// Sequences of calls: many about the same few keys, so that maps fill up and empty, and some with arguments that nobody should give.
import type { Draw } from "../model/generate/draw.ts";
import type { Call } from "./model.ts";
import { callNames } from "./operator.ts";

const top = (1n << 64n) - 1n;

/** Nothing is there for a program to read: neither the kernel's nor the process's. */
const badAddresses = [
  0n,
  1n,
  8n,
  0xfffn,
  1n << 47n,
  0xdead_0000_0000_0000n,
  1n << 63n,
  0xffff_7fff_ffff_f000n,
  top - 4_095n,
  top - 7n,
  top,
] as const;

const oddNumbers = [0n, 1n, 255n, 256n, 1n << 31n, 1n << 32n, (1n << 32n) + 1n, 1n << 63n, top] as const;

export function callsOf(draw: Draw, count: number): Call[] {
  // A sequence is about some of the calls: of all of them, each would come too seldom.
  const about = draw.list(6, 16, () => draw.pick(callNames));
  return Array.from({ length: count }, () =>
    callOf(draw, draw.percent(80) ? draw.pick(about) : draw.pick(callNames)),
  );
}

function callOf(draw: Draw, name: string): Call {
  if (name.startsWith("probe"))
    return { name, key: draw.pick(badAddresses), value: draw.pick(oddNumbers), more: 0n };
  if (name === "task references")
    return { name, key: BigInt(draw.int(0, 40)), value: draw.pick([0n, 1n, 1n, 99_999_999n, top]), more: 0n };
  const key = draw.percent(90) ? BigInt(draw.int(0, 9)) : draw.pick(oddNumbers);
  if (name.startsWith("RING"))
    return { name, key: BigInt(draw.int(0, 1_000)), value: sizeOrByte(draw), more: 0n };
  const value = draw.percent(60) ? BigInt(draw.int(0, 1_000)) : draw.pick(oddNumbers);
  return { name, key: name.includes("TRIE") ? addressOf(draw) : key, value, more: moreOf(draw, name) };
}

function sizeOrByte(draw: Draw): bigint {
  return draw.percent(70)
    ? BigInt(draw.int(0, 255))
    : draw.pick([4_080n, 4_081n, 4_087n, 4_088n, 4_089n, 4_096n, ...oddNumbers]);
}

/** Addresses that share prefixes. */
function addressOf(draw: Draw): bigint {
  return draw.pick([0n, 0x0a00_0000n, 0x0a00_0001n, 0x0a01_0000n, 0x0a80_0000n, 0xc0a8_0001n, 0xffff_ffffn]);
}

function moreOf(draw: Draw, name: string): bigint {
  // The length of a prefix, and the flags of an update, which are one argument.
  if (name.includes("TRIE"))
    return name.includes("update ")
      ? BigInt(draw.int(0, 3))
      : BigInt(draw.pick([0, 1, 8, 9, 16, 24, 31, 32, 33, 255]));
  if (name.includes("of_cpu")) return draw.pick([0n, 0n, 1n, 4_096n, 1n << 31n]);
  // Flags: those there are, and others.
  return draw.pick([0n, 0n, 1n, 2n, 3n, 8n, 1n << 40n]);
}
