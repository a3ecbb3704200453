// SPDX-License-Identifier: MIT
// Promise: the kernel's statistics of BPF programs are kept for Rex programs as well: runs and their time, those that ended abnormally
// included, and runs that were skipped because the context's frame was in use.
import { type Program, rex, rexTest, type TestContext, u32, u64 } from "rex-test";

interface Statistics {
  readonly run_cnt?: number;
  readonly run_time_ns?: number;
  readonly recursion_misses?: number;
}

async function statistics(t: TestContext, program: Program): Promise<Statistics> {
  const shown = await t.guest.exec(["bpftool", "--json", "prog", "show", "id", String(program.id)]);
  t.expect(shown.status, shown.stderr).toBe(0);
  return JSON.parse(shown.stdout) as Statistics;
}

const options = { permissions: { hostTools: true } };

rexTest("runs and their time are counted, however they end", options, async (t) => {
  await t.guest.writeFile("/proc/sys/kernel/bpf_stats_enabled", "1\n");
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "sometimes" })`
    fn sometimes(_: &kprobe, ctx: &mut PtRegs) -> Result {
      assert!(ctx.syscall_regs()?.args()[0] != 999, "as it was asked to");
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 998, { repeat: 40 });
  const sound = await statistics(t, program);
  t.expect(sound.run_cnt).toBe(40);
  t.expect(sound.run_time_ns).toBeGreaterThan(0);
  t.expect(await t.guest.syscall("dup", 999, { repeat: 7 })).toExitGracefully();
  const all = await statistics(t, program);
  t.expect(all.run_cnt).toBe(47);
  t.expect(all.run_time_ns).toBeGreaterThan(sound.run_time_ns ?? 0);
  t.expect(all.recursion_misses ?? 0).toBe(0);
  await t.guest.writeFile("/proc/sys/kernel/bpf_stats_enabled", "0\n");
  await t.guest.syscall("dup", 998, { repeat: 3 });
  t.expect((await statistics(t, program)).run_cnt).toBe(47);
});

rexTest("a run that finds its frame in use is skipped and counted as a miss", options, async (t) => {
  // A program without its hook runs in the context of the task, and so does a kprobe on what its helper calls.
  const outer = await t.load(rex.xdp({ name: "outer" })`
    #[rex_map]
    static TABLE: RexHashMap<u32, u64> = RexHashMap::new(4, 0);

    fn outer(_: &xdp, _ctx: &mut xdp_md) -> Result {
      TABLE.insert(&7, &77)?;
      Ok(TABLE.get(&7).ok_or(-1)? as i32)
    }
  `);
  const inner = await t.load(rex.kprobe({ function: "htab_map_lookup_elem", name: "inner" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn inner(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1);
      Ok(0)
    }
  `);
  await using _link = await inner.attach();
  const runs = inner.map("RUNS", { key: u32, value: u64 });
  for (let round = 1; round <= 3; round++) {
    t.expect(await outer.testRun({ data: Buffer.alloc(64) })).toReturn(77);
    t.expect(await runs.get(0)).toBe(0n);
    t.expect((await statistics(t, inner)).recursion_misses).toBe(round);
    t.expect((await t.guest.inventory()).rexStats?.["misses"]).toBe(round);
  }
  t.expect((await statistics(t, outer)).recursion_misses ?? 0).toBe(0);
  await t.expect(t.guest).toBeHealthy();
});
