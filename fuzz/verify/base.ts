// SPDX-License-Identifier: MIT
// An object whose functions have room for others: `prog`, and what it calls. Its code is replaced; what is around it, the builder has made.

import type { Variant } from "./damage.ts";
import { type Elf, readElf } from "./elf.ts";
import { assembleInto, type Code, type Layout } from "./machine-code.ts";

/** `prog` and the functions behind it. */
export const functionCount = 6;
const linesEach = 60;

/** Straight code, too much of it to be inlined, with numbers in it that make no two lines the same. */
function longBody(salt: number): string {
  const lines = Array.from({ length: linesEach }, (_, line) => {
    const number = (BigInt(salt * 1_000 + line + 1) * 0x9e37_79b9_7f4a_7c15n) & ((1n << 64n) - 1n);
    return `x = x.wrapping_mul(0x${number.toString(16)}).rotate_left(${(line % 61) + 1}) ^ 0x${(number >> 7n).toString(16)};`;
  });
  return lines.join(" ");
}

const helper = (index: number) => `#[inline(never)] fn f${index}(mut x: u64) -> u64 { ${longBody(index)} x }`;

export const baseSource = `#![no_std]
#![no_main]
use rex::kprobe::kprobe;
use rex::pt_regs::PtRegs;
use rex::{Result, rex_kprobe};
${Array.from({ length: functionCount - 1 }, (_, index) => helper(index + 1)).join("\n")}
#[rex_kprobe(function = "__x64_sys_sched_get_priority_min")]
fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
    let mut x = ctx.rdi();
    ${longBody(0)}
    ${Array.from({ length: functionCount - 1 }, (_, index) => `x = f${index + 1}(x);`).join(" ")}
    Ok(x as i32)
}
`;

/** The object, and where its functions and its claim of a bound are. */
export class Base {
  readonly elf: Elf;
  readonly #places: readonly { readonly start: number; readonly size: number; readonly address: number }[];
  readonly #layout: Layout;
  readonly #claim: number;

  constructor(object: Buffer) {
    this.elf = readElf(object);
    const named = (name: string) => {
      const place = this.elf.functions.find((one) => one.name === name || one.name.endsWith(`::${name}`));
      if (place === undefined) throw new Error(`the base object has no function ${name}`);
      return place;
    };
    this.#places = Array.from({ length: functionCount }, (_, index) =>
      named(index === 0 ? "prog" : `f${index}`),
    );
    this.#layout = { functions: this.#places.map(({ address }) => address), check: named("mcount").address };
    const records = this.elf.sections.find(({ name }) => name === ".rex.progs");
    if (records === undefined) throw new Error("the base object has no record of a program");
    this.#claim = records.start + claimOffset;
  }

  /** The object with these functions, whose record claims nothing; undefined when they do not fit. */
  variant(codes: readonly Code[]): Variant | undefined {
    const patches: (readonly [number, string])[] = [[this.#claim, "00000000"]];
    for (const [index, code] of codes.entries()) {
      const place = this.#places[index];
      if (place === undefined) return undefined;
      const bytes = assembleInto(place.size, code, place.address, this.#layout);
      if (bytes === undefined) return undefined;
      patches.push([place.start, bytes.toString("hex")]);
    }
    return { patches };
  }
}

/** Of `stack_bytes` in `struct rex_prog_desc`. */
const claimOffset = 20;

/** As deep as a function may go: what a program's bound is beyond that, it needs before `prog` is called. */
export const calibrationBytes = 4_000;
export const calibration: readonly Code[] = [
  [{ kind: "sub", bytes: calibrationBytes }, { kind: "add", bytes: calibrationBytes }, { kind: "return" }],
  ...Array.from({ length: functionCount - 1 }, (): Code => [{ kind: "return" }]),
];
