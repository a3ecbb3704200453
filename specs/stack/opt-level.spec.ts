// SPDX-License-Identifier: MIT
// Promise: at whatever level of optimisation a program is compiled, it does what its source says, ends where that says, releases what it holds, and keeps to the
// bound of its stack.
import { rex, rexTest, u32, u64 } from "rex-test";

const unoptimised = rex.program("levelled", { optLevel: "0" })`#![no_std]
#![no_main]
extern crate rex;
use rex::{kprobe::kprobe, map::*, pt_regs::PtRegs, rex_kprobe, rex_map, task_struct::OwnedTaskStruct, Result};
#[rex_map]
static OUT: RexArrayMap<u64> = RexArrayMap::new(1, 0);
fn sum(values: &[u64]) -> u64 { values.iter().fold(0, |sum, value| sum + value) }
#[rex_kprobe(function = "__x64_sys_getpgid")]
fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
  let input = ctx.syscall_regs()?.args()[1];
  let held = OwnedTaskStruct::from_pid(1);
  let values = [input, 2, 3, 4];
  OUT.insert(&0, &sum(&values[..(input as usize % 8)]))?;
  drop(held);
  Ok(0)
}
`;
if (unoptimised.kind !== "inline") throw new Error("it is text");

for (const source of [
  unoptimised,
  { ...unoptimised, optLevel: "1" },
  { ...unoptimised, optLevel: "3" },
  { ...unoptimised, optLevel: "s" },
] as const) {
  rexTest(`level ${source.optLevel}`, async (t) => {
    await t.guest.measureStacks();
    const program = await t.load(source);
    await program.attach();
    const out = program.map("OUT", { key: u32, value: u64 });
    t.expect(await t.guest.syscall("getpgid", 99999999, 3)).toReturn("ESRCH");
    t.expect(await out.get(0)).toBe(8n);
    // 2^64 - 5 + 2 + 3
    const overflow = await t.guest.syscall("getpgid", 99999999, (1n << 64n) - 5n);
    t.expect(overflow).toExitGracefully({
      reason: "panic",
      message: "attempt to add with overflow",
      at: /^src\/main\.rs:7:/,
    });
    t.expect(overflow.exits[0]?.released).toEqual(["task"]);
    const run = await t.guest.syscall("getpgid", 99999999, 5);
    t.expect(run).toExitGracefully({
      reason: "panic",
      message: /range end index 5/,
      at: /^src\/main\.rs:13:/,
    });
    t.expect(run.exits[0]?.released).toEqual(["task"]);
    for (const { stackUsedBytes, stackBoundBytes } of await t.guest.programs()) {
      // Nothing is inlined at level 0: calls through pointers are left, and the stack is checked instead.
      if (source.optLevel === "0") t.expect(stackBoundBytes).toBeUndefined();
      else t.expect(stackUsedBytes).toBeLessThanOrEqual(stackBoundBytes ?? 0);
    }
    await t.expect(t.guest).toHoldNoResources();
  });
}
