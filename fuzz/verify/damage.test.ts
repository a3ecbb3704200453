// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, it } from "vitest";
import { Draw } from "../model/generate/draw.ts";
import { damageCode, damageTables, type Variant, withinFile } from "./damage.ts";
import { type Elf, readElf } from "./elf.ts";

/** An ELF file of a header, one section header table (null, .text, .symtab, .strtab) and a function of 16 bytes at 0x40. */
function smallElf(): Buffer {
  const bytes = Buffer.alloc(0x300);
  const section = (
    index: number,
    fields: readonly [
      name: number,
      type: number,
      flags: number,
      address: number,
      offset: number,
      size: number,
      link: number,
    ],
  ) => {
    const at = 0x100 + index * 64;
    const [name, type, flags, address, offset, size, link] = fields;
    bytes.writeUInt32LE(name, at);
    bytes.writeUInt32LE(type, at + 4);
    for (const [field, value] of [
      [8, flags],
      [16, address],
      [24, offset],
      [32, size],
    ] as const)
      bytes.writeBigUInt64LE(BigInt(value), at + field);
    bytes.writeUInt32LE(link, at + 40);
  };
  bytes.write("\x7fELF", "latin1");
  bytes.writeBigUInt64LE(0x80n, 32);
  bytes.writeBigUInt64LE(0x100n, 40);
  bytes.writeUInt16LE(4, 60);
  bytes.writeUInt16LE(3, 62);
  section(1, [1, 1, 6, 0x1040, 0x40, 16, 0]);
  section(2, [7, 2, 0, 0, 0x200, 48, 3]);
  section(3, [15, 3, 0, 0, 0x240, 0x40, 0]);
  bytes.write("\0.text\0.symtab\0.strtab\0f\0", 0x240, "latin1");
  bytes.writeUInt32LE(23, 0x218);
  bytes.writeUInt8(2, 0x21c);
  bytes.writeUInt16LE(1, 0x21e);
  bytes.writeBigUInt64LE(0x1040n, 0x220);
  bytes.writeBigUInt64LE(16n, 0x228);
  bytes.fill(0x90, 0x40, 0x50);
  return bytes;
}

const elf = readElf(smallElf());

function variants(make: (elf: Elf, draw: Draw) => Variant, seed: number): Variant[] {
  class Variants extends fc.Arbitrary<Variant> {
    override generate(random: fc.Random) {
      return new fc.Value(withinFile(make(elf, new Draw(random)), elf.bytes.length), undefined);
    }
    override canShrinkWithoutContext(_: unknown): _ is Variant {
      return false;
    }
    override shrink() {
      return fc.Stream.nil<fc.Value<Variant>>();
    }
  }
  return fc.sample(new Variants(), { seed, numRuns: 300 });
}

it("functions and tables are found where they are", () => {
  expect(elf.functions).toEqual([
    expect.objectContaining({ name: "f", address: 0x1040, start: 0x40, size: 16 }),
  ]);
  expect(elf.tables.slice(0, 3)).toEqual([
    { start: 0, size: 64 },
    { start: 0x80, size: 0 },
    { start: 0x100, size: 256 },
  ]);
});

it("damage lies in the file, and is the same for the same seed", () => {
  for (const make of [damageTables, damageCode]) {
    const made = variants(make, 3);
    expect(variants(make, 3)).toEqual(made);
    expect(variants(make, 4)).not.toEqual(made);
    for (const { patches } of made)
      for (const [at, hex] of patches) {
        expect(hex).toMatch(/^(?:[0-9a-f]{2})+$/);
        expect(at + hex.length / 2).toBeLessThanOrEqual(elf.bytes.length);
      }
  }
});

it("damage of code is in code, damage of tables is not", () => {
  const isCode = ([at]: readonly [number, string]) => at >= 0x40 && at < 0x50;
  expect(variants(damageCode, 5).every(({ patches }) => patches.every(isCode))).toBe(true);
  expect(variants(damageTables, 5).some(({ patches }) => patches.some(isCode))).toBe(false);
});
