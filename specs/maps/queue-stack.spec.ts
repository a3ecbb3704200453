// SPDX-License-Identifier: MIT
// Promise: a queue gives back the oldest value, a stack the newest; what was popped is gone, and what was peeked at is not.
import { bytes, i64, rex, rexTest, u32, u64 } from "rex-test";

/** dup(1xx) pushes xx, dup(2xx) pushes it by force, dup(300) pops, dup(400) peeks. What came of it is in LAST. */
const body = (type: string) => `
  #[rex_map]
  static VALUES: ${type}<u64> = ${type}::new(3, 0);
  #[rex_map]
  static LAST: RexArrayMap<i64> = RexArrayMap::new(1, 0);

  fn program(program: &kprobe, ctx: &mut PtRegs) -> Result {
    let what = ctx.syscall_regs()?.args()[0];
    let value = what % 100;
    let result = |result: Result| match result { Ok(_) => 0, Err(errno) => i64::from(errno) };
    let got = |value: Option<u64>| value.map_or(-1, |value| value as i64);
    let last = match what / 100 {
      1 => result(VALUES.push(&value)),
      2 => result(VALUES.force_push(&value)),
      3 => got(program.bpf_map_pop_elem(&VALUES)),
      _ => got(program.bpf_map_peek_elem(&VALUES)),
    };
    LAST.insert(&0, &last)
  }
`;

for (const { type, order, forced } of [
  { type: "RexQueue", order: [11n, 12n, 13n], forced: [12n, 13n, 14n] },
  { type: "RexStack", order: [13n, 12n, 11n], forced: [14n, 13n, 12n] },
]) {
  rexTest(`a program pushes to and pops from a ${type} in order`, async (t) => {
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "program" })`${body(type)}`);
    await using _link = await program.attach();
    const last = program.map("LAST", { key: u32, value: i64 });
    const doing = async (what: number) => {
      await t.guest.syscall("dup", what);
      return await last.get(0);
    };
    t.expect(await doing(300), "pop from an empty one").toBe(-1n);
    t.expect(await doing(400), "peek into an empty one").toBe(-1n);
    for (const value of [11, 12, 13]) t.expect(await doing(100 + value)).toBe(0n);
    const e2big = -7n;
    t.expect(await doing(114), "a fourth of three").toBe(e2big);
    t.expect(await doing(400)).toBe(order[0]);
    for (const value of order) t.expect(await doing(300)).toBe(value);
    t.expect(await doing(300)).toBe(-1n);
  });

  rexTest(`a ${type} that is full gives up its oldest value to force_push`, async (t) => {
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "program" })`${body(type)}`);
    await using _link = await program.attach();
    for (const what of [111, 112, 113, 214]) await t.guest.syscall("dup", what);
    t.expect(await program.queue("VALUES", u64).drain()).toEqual(forced);
  });

  rexTest(`user space pushes, peeks and pops a ${type} that a program uses`, async (t) => {
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "program" })`${body(type)}`);
    await using _link = await program.attach();
    const values = program.queue("VALUES", u64);
    t.expect(await values.pop()).toBeUndefined();
    for (const value of [11n, 12n]) await values.push(value);
    await t.guest.syscall("dup", 113);
    t.expect(await values.peek()).toBe(order[0]);
    t.expect(await values.drain()).toEqual(order);
    t.expect(await values.peek()).toBeUndefined();
  });
}

rexTest("a value wider than a word goes through a queue whole", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "wide" })`
    #[rex_map]
    static WIDE: RexQueue<[u8; 27]> = RexQueue::new(4, 0);

    fn wide(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let mut value = [0u8; 27];
      for (index, byte) in value.iter_mut().enumerate() { *byte = index as u8; }
      WIDE.push(&value)?;
      let mut back = WIDE.pop().ok_or(-1)?;
      back.reverse();
      WIDE.push(&back)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const [value] = await program.queue("WIDE", bytes).drain();
  t.expect([...(value ?? [])]).toEqual(Array.from({ length: 27 }, (_, index) => 26 - index));
});
