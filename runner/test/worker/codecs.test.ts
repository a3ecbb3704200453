// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Codec, i32, i64, u8, u16, u32, u64 } from "./codecs.ts";

function roundTrips<T>(codec: Codec<T>, values: fc.Arbitrary<T>): void {
  it(`${codec.name} goes round`, () => {
    fc.assert(
      fc.property(values, (value) => {
        const encoded = codec.encode(value);
        expect(encoded.byteLength).toBe(codec.byteLength);
        expect(codec.decode(encoded)).toBe(value);
      }),
    );
  });
}

describe("codecs", () => {
  roundTrips(u8, fc.integer({ min: 0, max: 255 }));
  roundTrips(u16, fc.integer({ min: 0, max: 65_535 }));
  roundTrips(u32, fc.integer({ min: 0, max: 2 ** 32 - 1 }));
  roundTrips(i32, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
  roundTrips(u64, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
  roundTrips(i64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));

  it("are little-endian", () => {
    expect([...u32.encode(1)]).toEqual([1, 0, 0, 0]);
  });

  it("refuse what does not fit, with the value", () => {
    expect(() => u8.encode(256)).toThrow("256 does not fit a u8");
    expect(() => u32.encode(-1)).toThrow("-1 does not fit a u32");
    expect(() => u64.encode(2n ** 64n)).toThrow(/does not fit a u64/);
    expect(() => u32.encode(1.5)).toThrow("1.5 does not fit a u32");
    expect(() => u32.decode(new Uint8Array(8))).toThrow("a u32 takes 4 bytes, and the map has 8");
  });
});
