// SPDX-License-Identifier: MIT
// Programs that end in the way they are told to when they run, by a map that they share.
import { type ExitRecord, type LoadOptions, type Program, rex, type TestContext } from "rex-test";

/** What a program may do at its end, by the number that tells it to. */
export const ends = ["return", "panic", "timeout", "fault", "overflow"] as const;
export type End = (typeof ends)[number];

/** How the record of such an end calls it. */
const reasons: Readonly<Record<End, ExitRecord["reason"]>> = {
  return: "",
  panic: "panic",
  timeout: "timeout",
  fault: "fault",
  overflow: "stack_overflow",
};

/** A constant that programs have in their code where `altered` puts an instruction that traps. */
const marker = 0x7eb1_0bad_7eb1_0badn;

/** Rust: `end(what)` comes back only for 0. */
export const endInRust = `
  #[inline(never)]
  fn deeper(level: u64) -> u64 {
    let frame = core::hint::black_box([level; 16]);
    frame[(level % 16) as usize].wrapping_add(deeper(level + 1))
  }

  #[inline(never)]
  fn end(what: u64) {
    match what {
      1 => panic!("told to"),
      2 => loop {},
      3 => { core::hint::black_box(${marker}u64); }
      4 => { core::hint::black_box(deeper(1)); }
      _ => {}
    }
  }
`;

/** Loads a program in whose code the marker is an invalid opcode. */
export async function loadAltered(
  t: TestContext,
  name: string,
  what: Parameters<TestContext["compile"]>[0],
  options: LoadOptions = {},
): Promise<Program> {
  const object = Buffer.from((await t.compile(what)).object);
  const constant = Buffer.alloc(8);
  constant.writeBigUInt64LE(marker);
  const at = object.indexOf(constant);
  // movabs $marker, %reg: two bytes of opcode, then the constant.
  t.expect(at, "the marker in the object").toBeGreaterThan(2);
  t.expect(object.readUInt8(at - 2) & 0xfe, "a REX prefix").toBe(0x48);
  object.set([0x0f, 0x0b], at - 2);
  return await t.load(rex.object(name, object), options);
}

/** What a record is compared by. */
export interface Ending {
  readonly prog: string;
  readonly level: string;
  readonly reason: string;
}

export function ending(prog: string, level: string, end: End): Ending[] {
  return end === "return" ? [] : [{ prog, level, reason: reasons[end] }];
}

export function endingsOf(exits: readonly ExitRecord[]): Ending[] {
  return exits.map(({ prog, level, reason }) => ({ prog, level, reason }));
}
