// SPDX-License-Identifier: MIT
// Variants of an object with something wrong: in its headers and tables, or in its code.
import type { Draw } from "../model/generate/draw.ts";
import type { Elf, FunctionPlace, Range } from "./elf.ts";

/** What differs from the object. */
export interface Variant {
  readonly patches: readonly (readonly [offset: number, hex: string])[];
  readonly size?: number;
}

type Patch = Variant["patches"][number];

const word = (value: bigint, bytes: number): string => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt.asUintN(64, value));
  return buffer.toString("hex", 0, bytes);
};

/** Numbers at which checks go wrong. */
function hostile(draw: Draw, old: bigint, fileBytes: number): bigint {
  const size = BigInt(fileBytes);
  switch (draw.int(0, 3)) {
    case 0:
      return draw.pick([0n, 1n, 7n, 8n, 63n, 64n, 0xfffn, 0x1000n, 0x1001n, 0xffffn, 4n << 20n]);
    case 1:
      return draw.pick([-1n, -8n, -4096n, (1n << 63n) - 1n, 1n << 63n, (1n << 32n) - 1n, 1n << 31n]);
    case 2:
      return draw.pick([size, size - 1n, size - old, -old, old << 1n, old >> 1n]);
    default:
      return old + draw.pick([1n, 8n, 24n, 4096n, -1n, -8n, -24n, -4096n]);
  }
}

/** Damages headers and tables. */
export function damageTables({ bytes, tables }: Elf, draw: Draw): Variant {
  const patches = draw.list(1, 4, (): Patch => {
    // Headers more often than anything else: most of what is checked is about them.
    const table = draw.percent(50) ? draw.pick(tables.slice(0, 3)) : draw.pick(tables);
    const at = table.start + 8 * draw.int(0, Math.max(0, Math.floor(table.size / 8) - 1));
    const old = at + 8 <= bytes.length ? bytes.readBigUInt64LE(at) : 0n;
    const value = hostile(draw, old, bytes.length);
    const width = draw.pick([1, 2, 4, 8]);
    const within = width * draw.int(0, 8 / width - 1);
    if (draw.percent(15)) return copied(bytes, draw.pick(tables), at, 8 << draw.int(0, 3));
    return [at + within, word(value, width)];
  });
  const inside = patches.filter(([at, hex]) => at + hex.length / 2 <= bytes.length);
  if (draw.percent(5)) return { patches: inside, size: draw.int(0, bytes.length) };
  if (draw.percent(2)) return { patches: inside, size: bytes.length + draw.int(1, 1 << 16) };
  return { patches: inside };
}

/** Something that means something elsewhere. */
function copied(bytes: Buffer, from: Range, at: number, size: number): Patch {
  const end = Math.min(from.start + size, bytes.length, from.start + bytes.length - at);
  return [at, bytes.toString("hex", from.start, Math.max(from.start, end))];
}

const nearCall = 0xe8;
const nearJump = 0xe9;

/** Damages code: its bytes, where calls go to, how much stack is taken, what is checked. */
export function damageCode({ bytes, functions }: Elf, draw: Draw): Variant {
  return { patches: draw.list(1, 3, () => damageOne(bytes, functions, draw)) };
}

function damageOne(bytes: Buffer, functions: readonly FunctionPlace[], draw: Draw): Patch {
  const place = draw.pick(functions);
  const anywhere = place.start + draw.int(0, place.size - 1);
  const code = bytes.subarray(place.start, place.start + place.size);
  switch (draw.int(0, 5)) {
    case 0:
      return [anywhere, word(BigInt(draw.int(0, 255)), 1)];
    case 1: {
      const flipped = (bytes[anywhere] ?? 0) ^ (1 << draw.int(0, 7));
      return [anywhere, word(BigInt(flipped), 1)];
    }
    case 2:
      return redirected(place, code, functions, draw) ?? [anywhere, "90"];
    case 3:
      return otherFrame(place, code, draw) ?? [anywhere, "cc"];
    case 4:
      return withoutCall(place, code, draw) ?? [anywhere, "c3"];
    default:
      return [anywhere, draw.pick(shortInstructions)];
  }
}

/** What does something to the stack, to where code goes on, or to what no program may touch; cut off where the function ends. */
const shortInstructions = [
  "c3",
  "c9",
  "f4",
  "fa",
  "fc",
  "fd",
  "0f05",
  "0f0b",
  "0f30",
  "5c",
  "54",
  "55",
  "5d",
  "ffe0",
  "ffd0",
  "eb00",
  "ebfe",
  "4894",
  "4889e5",
  "4889ec",
  "cd80",
  "9d",
  "9c",
  "6690",
  "65",
  "f3",
  "f0",
  "cb",
  "cf",
  "c8100000",
] as const;

function sites(code: Buffer, isOne: (at: number) => boolean): number[] {
  return [...code.keys()].filter(isOne);
}

/** A call or jump of another function, or of the middle of one. */
function redirected(
  place: FunctionPlace,
  code: Buffer,
  functions: readonly FunctionPlace[],
  draw: Draw,
): Patch | undefined {
  const found = sites(
    code,
    (at) => (code[at] === nearCall || code[at] === nearJump) && at + 5 <= code.length,
  );
  if (found.length === 0) return undefined;
  const at = draw.pick(found);
  const target = draw.pick(functions);
  const to = target.address + (draw.percent(70) ? 0 : draw.int(0, target.size));
  return [place.start + at + 1, word(BigInt(to - (place.address + at + 5)), 4)];
}

/** Another size in `sub rsp, imm` or `add rsp, imm`. */
function otherFrame(place: FunctionPlace, code: Buffer, draw: Draw): Patch | undefined {
  const isRsp = (at: number) => code[at + 2] === 0xec || code[at + 2] === 0xc4;
  const long = sites(
    code,
    (at) => code[at] === 0x48 && code[at + 1] === 0x81 && isRsp(at) && at + 7 <= code.length,
  );
  const short = sites(
    code,
    (at) => code[at] === 0x48 && code[at + 1] === 0x83 && isRsp(at) && at + 4 <= code.length,
  );
  if (long.length > 0 && draw.percent(50))
    return [
      place.start + draw.pick(long) + 3,
      word(BigInt(draw.pick([8, 64, 512, 4_080, 4_096, 8_192, -64])), 4),
    ];
  if (short.length === 0) return undefined;
  return [place.start + draw.pick(short) + 3, word(BigInt(draw.pick([0, 8, 16, 64, 120, -8, -128])), 1)];
}

/** A nop in the place of a call: of the check of the stack, where there is one. */
function withoutCall(place: FunctionPlace, code: Buffer, draw: Draw): Patch | undefined {
  const found = sites(code, (at) => code[at] === nearCall && at + 5 <= code.length);
  return found.length === 0 ? undefined : [place.start + draw.pick(found.slice(0, 2)), "0f1f440000"];
}

/** Patches that end where the object does. */
export function withinFile({ patches, size }: Variant, fileBytes: number): Variant {
  const cut = patches.flatMap(([at, hex]): Patch[] => {
    const room = 2 * Math.max(0, fileBytes - at);
    return room === 0 || hex === "" ? [] : [[at, hex.slice(0, room)]];
  });
  return size === undefined ? { patches: cut } : { patches: cut, size };
}
