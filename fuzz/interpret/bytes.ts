// SPDX-License-Identifier: MIT
// Bytes in a row: numbers in them, slices of them, and the headers of packets.
import { type HeaderName, headers } from "../model/headers.ts";
import { bitsOf, type IntName, wrap } from "../model/types.ts";
import { Panic } from "./ending.ts";

export type Bytes = readonly bigint[];

/** `bytes[from..to]` must be there. */
export function checkRange(length: number, from: bigint, to: bigint): void {
  const end = BigInt(length);
  if (from > end) throw new Panic(`range start index ${from} out of range for slice of length ${end}`);
  if (to > end) throw new Panic(`range end index ${to} out of range for slice of length ${end}`);
  if (from > to) throw new Panic(`slice index starts at ${from} but ends at ${to}`);
}

export function replaced(bytes: Bytes, at: number, by: Bytes): Bytes {
  return [...bytes.slice(0, at), ...by, ...bytes.slice(at + by.length)];
}

/** As the crate's conversions see that the bytes from there on are enough. */
function checkConversion(bytes: Bytes, from: bigint, type: IntName): void {
  checkRange(bytes.length, from, BigInt(bytes.length));
  const [need, have] = [bitsOf(type) / 8, bytes.length - Number(from)];
  if (have < need) throw new Panic(`a ${type} has ${need} bytes, the slice only ${have}`);
}

export function convert(bytes: Bytes, from: bigint, type: IntName): bigint {
  checkConversion(bytes, from, type);
  return numberAt(bytes, Number(from), type);
}

export function convertBack(bytes: Bytes, from: bigint, type: IntName, value: bigint): Bytes {
  checkConversion(bytes, from, type);
  return replaced(bytes, Number(from), bytesOf(type, value));
}

/** Least significant byte first. */
export function numberAt(bytes: Bytes, at: number, type: IntName): bigint {
  const parts = bytes.slice(at, at + bitsOf(type) / 8);
  return wrap(
    type,
    parts.reduceRight((sum, byte) => sum * 256n + byte, 0n),
  );
}

export function bytesOf(type: IntName, value: bigint): Bytes {
  return Array.from({ length: bitsOf(type) / 8 }, (_, at) => BigInt.asUintN(8, value >> BigInt(8 * at)));
}

/** Where a header begins; one that is not all there panics, and so does the IP header that it is found by. */
export function headerAt(packet: Bytes, name: HeaderName): number {
  const ethernet = headers.eth.bytes;
  const at = name === "eth" ? 0 : name === "ip" ? ethernet : ethernet + ipHeaderBytes(packet);
  checkRange(packet.length, BigInt(at), BigInt(at + headers[name].bytes));
  return at;
}

function ipHeaderBytes(packet: Bytes): number {
  const words = Number((packet[headerAt(packet, "ip")] ?? 0n) & 15n);
  return Math.max(words * 4, headers.ip.bytes);
}

/** The packet with the right checksum in its IP header, options left out. */
export function withChecksum(packet: Bytes): Bytes {
  const at = headerAt(packet, "ip");
  const cleared = replaced(packet, at + 10, [0n, 0n]);
  let sum = 0n;
  for (let word = 0; word < headers.ip.bytes; word += 2) sum += numberAt(cleared, at + word, "u16");
  while (sum > 0xffffn) sum = (sum & 0xffffn) + (sum >> 16n);
  return replaced(packet, at + 10, bytesOf("u16", ~sum));
}
