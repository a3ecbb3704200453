// SPDX-License-Identifier: MIT
// Promise: a map is one memory that the program and user space both see.
import { rex, rexTest, u32, u64 } from "rex-test";

rexTest("values go round between the host and a program through an array", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "adder" })`
    #[rex_map]
    static SUM: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn adder(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let step = SUM.get(&1).unwrap_or(0);
      let sum = SUM.get(&0).unwrap_or(0);
      SUM.insert(&0, &(sum + step))
    }
  `);
  const sum = program.map("SUM", { key: u32, value: u64 });
  await sum.set(0, 100n);
  await sum.set(1, 7n);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999, { repeat: 3 });
  t.expect(await sum.get(0)).toBe(121n);
});

rexTest("a hash map counts by key, and what is deleted is gone", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "counter" })`
    #[rex_map]
    static CALLS: RexHashMap<u32, u64> = RexHashMap::new(64, 0);

    fn counter(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let cpu = program.bpf_get_smp_processor_id() as u32;
      let calls = CALLS.get(&cpu).unwrap_or(0);
      CALLS.insert(&cpu, &(calls + 1))
    }
  `);
  const calls = program.map("CALLS", { key: u32, value: u64 });
  t.expect(await calls.get(0)).toBeUndefined();
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999, { repeat: 5, cpu: 0 });
  t.expect(await calls.entries()).toEqual([[0, 5n]]);
  t.expect(await calls.delete(0)).toBe(true);
  t.expect(await calls.delete(0)).toBe(false);
  t.expect(await calls.entries()).toEqual([]);
});

rexTest("a full map is an error that the program sees, not a crash", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "filler" })`
    #[rex_map]
    static FULL: RexHashMap<u32, u64> = RexHashMap::new(1, 0);
    #[rex_map]
    static ERRNO: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn filler(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      FULL.insert(&1, &1)?;
      if let Err(errno) = FULL.insert(&2, &2) {
        ERRNO.insert(&0, &(-errno as u64))?;
      }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const e2big = 7n;
  t.expect(await program.map("ERRNO", { key: u32, value: u64 }).get(0)).toBe(e2big);
});
