// SPDX-License-Identifier: MIT
// Promise: a value that several CPUs use at once is never undefined: counted in place no count is lost, and no word of it is torn.
import { rex, rexTest, u32, u64 } from "rex-test";

const cpus = 2;
const repeat = 20_000;

rexTest("two CPUs that count in place lose no count", { cpus, timeoutMs: 60_000 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "count" })`
    #[rex_map]
    static ARRAY: RexArrayMap<u64> = RexArrayMap::new(1, 0);
    #[rex_map]
    static HASH: RexHashMap<u32, i32> = RexHashMap::new(4, 0);

    fn count(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      ARRAY.get_mut(&0).unwrap().fetch_add(3);
      HASH.get_mut(&7).ok_or(-2)?.fetch_add(1);
      Ok(0)
    }
  `);
  await program.map("HASH", { key: u32, value: u32 }).set(7, 0);
  await using _link = await program.attach();
  const runs = await t.guest.trigger(
    [0, 1].map((cpu) => ({ syscall: "dup", args: [999], cpu, repeat })),
    { timeoutMs: 40_000 },
  );
  t.expect(runs.map((run) => run.cpu)).toEqual([0, 1]);
  t.expect(await program.map("ARRAY", { key: u32, value: u64 }).get(0)).toBe(BigInt(3 * cpus * repeat));
  t.expect(await program.map("HASH", { key: u32, value: u32 }).get(7)).toBe(cpus * repeat);
});

rexTest(
  "a word of a value is one writer's or the other's, never half of each",
  { cpus, timeoutMs: 60_000 },
  async (t) => {
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "torn" })`
    #[rex_map]
    static VALUE: RexArrayMap<[u64; 4]> = RexArrayMap::new(1, 0);
    #[rex_map]
    static TORN: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn torn(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let mine = if program.bpf_get_smp_processor_id() == 0 { 0 } else { u64::MAX };
      let mut value = VALUE.get_mut(&0).unwrap();
      let halves = value.iter().filter(|word| **word != 0 && **word != u64::MAX).count();
      if halves > 0 { TORN.get_mut(&0).unwrap().fetch_add(1); }
      if value.contains(&!mine) { TORN.get_mut(&1).unwrap().fetch_add(1); }
      *value = [mine; 4];
      Ok(0)
    }
  `);
    await using _link = await program.attach();
    await t.guest.trigger(
      [0, 1].map((cpu) => ({ syscall: "dup", args: [999], cpu, repeat })),
      { timeoutMs: 40_000 },
    );
    const [torn, met] = (await program.map("TORN", { key: u32, value: u64 }).entries()).map(
      ([, count]) => count,
    );
    t.expect(met, "how often one CPU saw what the other wrote").toBeGreaterThan(0n);
    t.expect(torn).toBe(0n);
  },
);
