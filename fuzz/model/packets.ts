// SPDX-License-Identifier: MIT
// The packet that an input stands for: Ethernet frames with IPv4 and UDP or TCP in them, whole or cut off, or with anything.
import type { PacketHook } from "./ast.ts";

/** No test run takes a shorter frame; that of tc wants a whole IP header, where there is to be one. */
const bytesAtLeast: Readonly<Record<PacketHook, number>> = { xdp: 14, tc: 34 };

/** Numbers that follow from a seed (xorshift), each below a limit. */
function numbersFrom(seed: bigint): (limit: number) => number {
  let state = BigInt.asUintN(64, seed * 0x9e37_79b9_7f4a_7c15n) | 1n;
  return (limit) => {
    state ^= BigInt.asUintN(64, state << 13n);
    state ^= state >> 7n;
    state ^= BigInt.asUintN(64, state << 17n);
    return Number(state % BigInt(limit));
  };
}

export function packetOf(input: bigint, hook: PacketHook): Uint8Array {
  const frame = frameOf(input);
  const missing = Math.max(0, bytesAtLeast[hook] - frame.length);
  return Uint8Array.from([...frame, ...Array.from({ length: missing }, () => 0)]);
}

function frameOf(input: bigint): readonly number[] {
  const next = numbersFrom(input + 1n);
  const payload = Array.from({ length: next(40) }, () => next(256));
  const kind = next(8);
  if (kind === 0) return [...ethernet(next, 0x88b5), ...payload];
  const isTcp = kind < 3;
  const optionBytes = 4 * (next(4) === 0 ? next(3) : 0);
  const transport = Array.from({ length: isTcp ? 20 : 8 }, () => next(256));
  const ip = Array.from({ length: 20 + optionBytes }, () => next(256));
  const length = ip.length + transport.length + payload.length;
  // Now and then one that says that it has no, or more options than there are.
  ip[0] = next(10) === 0 ? next(256) : 0x45 + optionBytes / 4;
  [ip[2], ip[3], ip[9]] = [length >> 8, length & 0xff, isTcp ? 6 : 17];
  const whole = [...ethernet(next, 0x0800), ...ip, ...transport, ...payload];
  const least = bytesAtLeast.xdp;
  return next(5) === 0 ? whole.slice(0, least + next(whole.length - least)) : whole;
}

function ethernet(next: (limit: number) => number, type: number): number[] {
  return [...Array.from({ length: 12 }, () => next(256)), type >> 8, type & 0xff];
}
