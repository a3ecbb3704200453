// SPDX-License-Identifier: MIT
// Promise: an LRU hash is never full, and gives up what has not been used for long.
import { rex, rexTest, u32, u64 } from "rex-test";

// BPF_F_NO_COMMON_LRU: a list for each CPU, which the test stays on, so that the order is exact.
rexTest(
  "an LRU hash takes more keys than it has room for, and keeps those that are in use",
  { cpus: 1 },
  async (t) => {
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "filler" })`
    use rex::linux::bpf::BPF_F_NO_COMMON_LRU;
    #[rex_map]
    static RECENT: RexLruHashMap<u32, u64> = RexLruHashMap::new(64, BPF_F_NO_COMMON_LRU as u32);
    #[rex_map]
    static FAILED: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn filler(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let key = ctx.syscall_regs()?.args()[0] as u32;
      // Key 1000 is looked at in each run.
      let _ = RECENT.get(&1000);
      if RECENT.insert(&key, &u64::from(key)).is_err() {
        FAILED.get_mut(&0).unwrap().fetch_add(1);
      }
      Ok(0)
    }
  `);
    await using _link = await program.attach();
    for (const key of [1000, ...Array.from({ length: 200 }, (_, index) => 2000 + index)]) {
      await t.guest.syscall("dup", key);
    }
    t.expect(await program.map("FAILED", { key: u32, value: u64 }).get(0)).toBe(0n);
    const recent = program.map("RECENT", { key: u32, value: u64 });
    const keys = (await recent.entries()).map(([key]) => key);
    t.expect(keys.length).toBeLessThanOrEqual(64);
    t.expect(keys.length).toBeGreaterThan(16);
    t.expect(keys, "the key in use").toContain(1000);
    t.expect(keys, "the newest key").toContain(2199);
    t.expect(keys, "the oldest key").not.toContain(2000);
    t.expect(await recent.get(2199)).toBe(2199n);
  },
);

rexTest("a plain hash of the same size is full instead", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "full" })`
    #[rex_map]
    static FULL: RexHashMap<u32, u64> = RexHashMap::new(8, 0);
    #[rex_map]
    static ERRNO: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn full(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      for key in 0..9 {
        if let Err(errno) = FULL.insert(&key, &0) { ERRNO.insert(&0, &(-errno as u64))?; }
      }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const e2big = 7n;
  t.expect(await program.map("ERRNO", { key: u32, value: u64 }).get(0)).toBe(e2big);
  t.expect((await program.map("FULL").entries()).length).toBe(8);
});
