// SPDX-License-Identifier: MIT
// Promise: what a program does is counted: run statistics as for eBPF programs, and the kernel's own list of Rex programs.
import { rex, rexTest } from "rex-test";

const noting = rex.kprobe({ function: "__x64_sys_dup", name: "noting" })`
  fn noting(kprobe: &kprobe, ctx: &mut PtRegs) -> Result {
    let n = ctx.syscall_regs()?.args()[0];
    let values = [1, 2, 3];
    if n < 900 { return Ok(values[n as usize]) }
    Ok((kprobe.bpf_ktime_get_ns() & 0) as i32)
  }
`;

rexTest("runs are counted on all CPUs", { cpus: 2 }, async (t) => {
  const program = await t.load(noting);
  t.expect(await program.stats()).toMatchObject({
    id: program.id,
    name: "noting",
    object: program.name,
    type: "kprobe",
    runs: 0,
    misses: 0,
    exits: 0,
    stopped: false,
    stackUsedBytes: 0,
  });
  await using _link = await program.attach();
  await t.guest.trigger([0, 1].map((cpu) => ({ syscall: "dup", args: [999], cpu, repeat: 20 + cpu })));
  t.expect(await program.stats()).toMatchObject({ runs: 41, exits: 0 });
  t.expect(await t.guest.syscall("dup", 7)).toExitGracefully({ reason: "panic" });
  t.expect(await program.stats()).toMatchObject({ runs: 42, exits: 1, stopped: false });
});

rexTest("bpf_stats_enabled counts Rex programs", async (t) => {
  const program = await t.load(noting);
  await using _link = await program.attach();
  const counted = async () => {
    const { progs } = await t.guest.inventory();
    const { runCount, runTimeNs } = progs.find(({ id }) => id === program.id) ?? {};
    return { runCount, runTimeNs: runTimeNs ?? -1 };
  };
  await t.guest.syscall("dup", 999, { repeat: 10 });
  t.expect(await counted()).toEqual({ runCount: 0, runTimeNs: 0 });

  await t.guest.writeFile("/proc/sys/kernel/bpf_stats_enabled", "1\n");
  await t.guest.syscall("dup", 999, { repeat: 30 });
  const first = await counted();
  t.expect(first.runCount).toBe(30);
  t.expect(first.runTimeNs).toBeGreaterThan(0);
  // A run that ends abnormally is one too.
  t.expect(await t.guest.syscall("dup", 7)).toExitGracefully({ reason: "panic" });
  const second = await counted();
  t.expect(second.runCount).toBe(31);
  t.expect(second.runTimeNs).toBeGreaterThan(first.runTimeNs);

  await t.guest.writeFile("/proc/sys/kernel/bpf_stats_enabled", "0\n");
  await t.guest.syscall("dup", 999);
  t.expect(await counted()).toEqual(second);
  t.expect((await program.stats()).runs).toBe(42);
});

rexTest("a program that would need the frame of another one is a miss", async (t) => {
  const outer = await t.load(rex.xdp({ name: "outer" })`
    #[rex_map]
    static SEEN: RexHashMap<u32, u64> = RexHashMap::new(8, 0);

    fn outer(_: &xdp, _ctx: &mut xdp_md) -> Result {
      SEEN.insert(&1, &1)?;
      Ok(XDP_PASS as i32)
    }
  `);
  // Called by the helper: the same CPU, the same context level.
  const inner = await t.load(rex.kprobe({ function: "htab_map_update_elem", name: "inner" })`
    fn inner(_: &kprobe, _ctx: &mut PtRegs) -> Result { panic!("ran") }
  `);
  await using _link = await inner.attach();
  const run = await outer.testRun({ data: Buffer.alloc(64), repeat: 7 });
  t.expect(run).toReturn(2);
  t.expect(run.exits).toEqual([]);
  t.expect(await outer.stats()).toMatchObject({ runs: 7, misses: 0 });
  t.expect(await inner.stats()).toMatchObject({ runs: 0, misses: 7, exits: 0 });
  const { progs, rexStats } = await t.guest.inventory();
  t.expect(progs.find(({ id }) => id === inner.id)?.recursionMisses).toBe(7);
  t.expect(rexStats?.misses).toBe(7);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("the list has the programs that there are", async (t) => {
  const source = rex.kprobe({ function: "__x64_sys_dup", name: "one" })`
    fn one(_: &kprobe, _ctx: &mut PtRegs) -> Result { Ok(0) }

    fn two(_: &kprobe, ctx: &mut PtRegs) -> Result { [1, 2][ctx.syscall_regs()?.args()[0] as usize - 998]; Ok(0) }
  `;
  await t.guest.writeFile("/proc/sys/kernel/rex_crash_stop", "1\n");
  t.expect(await t.guest.programs()).toEqual([]);
  const program = await t.load(source);
  const again = await t.load(source);
  t.expect((await t.guest.programs()).map(({ name }) => name)).toEqual(["one", "two", "one", "two"]);
  await using _link = await program.attach({ name: "two" });
  t.expect(await t.guest.syscall("dup", 997)).toExitGracefully({ program: "two" });
  const state = (await t.guest.programs()).map(({ name, exits, stopped }) => ({ name, exits, stopped }));
  t.expect(state).toEqual([
    { name: "one", exits: 0, stopped: true },
    { name: "two", exits: 1, stopped: true },
    { name: "one", exits: 0, stopped: false },
    { name: "two", exits: 0, stopped: false },
  ]);
  await again.unload();
  t.expect((await t.guest.programs()).map(({ name }) => name)).toEqual(["one", "two"]);
});
