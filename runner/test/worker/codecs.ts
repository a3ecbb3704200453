// SPDX-License-Identifier: MIT
// How map keys and values look in a spec. x86-64 is little-endian, and so are these.
import { RexTestError } from "../../support/errors.ts";

export interface Codec<T> {
  readonly name: string;
  /** undefined: any size. */
  readonly byteLength: number | undefined;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

function integer(name: string, byteLength: 1 | 2 | 4, signed: boolean): Codec<number> {
  const bits = byteLength * 8;
  const lowest = signed ? -(2 ** (bits - 1)) : 0;
  const highest = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  return {
    name,
    byteLength,
    encode: (value) => {
      if (!Number.isInteger(value) || value < lowest || value > highest) throw outOfRange(value, name);
      const buffer = Buffer.alloc(byteLength);
      if (signed) buffer.writeIntLE(value, 0, byteLength);
      else buffer.writeUIntLE(value, 0, byteLength);
      return buffer;
    },
    decode: (bytes) => {
      const buffer = sized(bytes, byteLength, name);
      return signed ? buffer.readIntLE(0, byteLength) : buffer.readUIntLE(0, byteLength);
    },
  };
}

function wide(name: string, signed: boolean): Codec<bigint> {
  return {
    name,
    byteLength: 8,
    encode: (value) => {
      const fits = signed ? BigInt.asIntN(64, value) === value : BigInt.asUintN(64, value) === value;
      if (!fits) throw outOfRange(value, name);
      const buffer = Buffer.alloc(8);
      buffer.writeBigUInt64LE(BigInt.asUintN(64, value));
      return buffer;
    },
    decode: (bytes) => {
      const buffer = sized(bytes, 8, name);
      return signed ? buffer.readBigInt64LE() : buffer.readBigUInt64LE();
    },
  };
}

export const u8: Codec<number> = integer("u8", 1, false);
export const u16: Codec<number> = integer("u16", 2, false);
export const u32: Codec<number> = integer("u32", 4, false);
export const i32: Codec<number> = integer("i32", 4, true);
/** As bigint, because a double has 53 bits. */
export const u64: Codec<bigint> = wide("u64", false);
export const i64: Codec<bigint> = wide("i64", true);
/** The key of an LPM trie: how many bits of the bytes count. */
export interface Prefix {
  readonly bits: number;
  readonly bytes: readonly number[];
}

/** Keys of an LPM trie whose data has so many bytes. */
export function prefix(byteLength: number): Codec<Prefix> {
  return {
    name: `prefix of ${byteLength} bytes`,
    byteLength: 4 + byteLength,
    encode: ({ bits, bytes }) => {
      if (bytes.length !== byteLength) throw outOfRange(bytes.length, `prefix of ${byteLength} bytes`);
      return Buffer.concat([u32.encode(bits), Buffer.from(bytes)]);
    },
    decode: (encoded) => ({ bits: u32.decode(encoded.subarray(0, 4)), bytes: [...encoded.subarray(4)] }),
  };
}

export const bytes: Codec<Uint8Array> = {
  name: "bytes",
  byteLength: undefined,
  encode: (value) => value,
  decode: (value) => value,
};

function sized(bytesIn: Uint8Array, byteLength: number, name: string): Buffer {
  if (bytesIn.byteLength !== byteLength) {
    throw new RexTestError(`a ${name} takes ${byteLength} bytes, and the map has ${bytesIn.byteLength}`, {
      outcome: "failure",
    });
  }
  return Buffer.from(bytesIn.buffer, bytesIn.byteOffset, bytesIn.byteLength);
}

function outOfRange(value: number | bigint, name: string): RexTestError {
  return new RexTestError(`${value} does not fit a ${name}`, { outcome: "failure" });
}
