// SPDX-License-Identifier: MIT
// A part of a program that computes a number. What is smuggled is one; wrapped in something, it is one again.

export interface Piece {
  /** Of the crate: `#![…]`. */
  readonly attributes: readonly string[];
  readonly items: string;
  /** An expression of type u64 in which `items` are known. */
  readonly value: string;
}

/** What is in the object if, and only if, the piece came through the gate alive. */
export type Sign =
  /** Among its code and data. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** A whole entry of one of its string tables: a section, a symbol, an import. */
  | { readonly kind: "name"; readonly name: string };

/** A number that no compiler makes up. */
export const markerNumber = 0x5ec3_e7c0_de15_b00bn;
/** As a program says it, so that the compiler does not compute with it. */
export const marker = `core::hint::black_box(0x${markerNumber.toString(16)}u64)`;

export function isVisible(sign: Sign, object: Buffer): boolean {
  const wanted = sign.kind === "bytes" ? Buffer.from(sign.bytes) : Buffer.from(`\0${sign.name}\0`, "latin1");
  return object.includes(wanted);
}

export function markerSign(): Sign {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(markerNumber);
  return { kind: "bytes", bytes };
}
