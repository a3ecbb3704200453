// SPDX-License-Identifier: MIT
// Promise: the clocks, ticks, numbers and places that a program asks for are the kernel's.
import { rex, rexTest, u32, u64 } from "rex-test";

rexTest("clocks go forward and agree with each other and with user space", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "clocks" })`
    #[rex_map]
    static CLOCKS: RexArrayMap<u64> = RexArrayMap::new(8, 0);

    fn clocks(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let now = [
        program.bpf_ktime_get_ns(), program.bpf_ktime_get_ns_origin(), program.bpf_ktime_get_boot_ns(),
        program.bpf_ktime_get_boot_ns_origin(), program.bpf_ktime_get_coarse_ns(), program.bpf_jiffies64(),
      ];
      for (index, value) in now.iter().enumerate() { CLOCKS.insert(&(index as u32), value)?; }
      let mut last = program.bpf_ktime_get_ns();
      for _ in 0..1000 {
        let next = program.bpf_ktime_get_ns();
        if next < last { CLOCKS.insert(&6, &1)?; }
        last = next;
      }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  const uptime = async () =>
    BigInt(Math.round(Number((await t.guest.readFile("/proc/uptime")).split(" ")[0]) * 1000));
  const before = await uptime();
  await t.guest.syscall("dup", 999);
  const after = await uptime();
  const clocks = (await program.map("CLOCKS", { key: u32, value: u64 }).entries()).map(([, value]) => value);
  const [mono = 0n, origin = 0n, boot = 0n, bootOrigin = 0n, coarse = 0n, jiffies, backwards] = clocks;
  const ms = 1_000_000n;
  t.expect(boot / ms).toBeGreaterThanOrEqual(before - 20n);
  t.expect(boot / ms).toBeLessThanOrEqual(after + 20n);
  t.expect(origin).toBeGreaterThanOrEqual(mono);
  t.expect(bootOrigin).toBeGreaterThanOrEqual(boot);
  t.expect(mono - coarse, "coarse is as of the last tick").toBeLessThan(1000n * ms);
  t.expect(coarse - mono).toBeLessThan(20n * ms);
  t.expect(jiffies).toBeGreaterThan(0n);
  t.expect(backwards).toBe(0n);
});

rexTest("ticks go on at the kernel's rate", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "ticks" })`
    #[rex_map]
    static TICKS: RexHashMap<u64, [u64; 2]> = RexHashMap::new(8, 0);

    fn ticks(program: &kprobe, ctx: &mut PtRegs) -> Result {
      TICKS.insert(&ctx.syscall_regs()?.args()[0], &[program.bpf_jiffies64(), program.bpf_ktime_get_ns()])
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 1000);
  // Half a second of the guest's own time.
  const halfSecond = Buffer.alloc(16);
  halfSecond.writeBigInt64LE(500_000_000n, 8);
  await t.guest.syscall("nanosleep", halfSecond, 0);
  await t.guest.syscall("dup", 2000);
  const ticks = program.map("TICKS");
  const [from, to] = await Promise.all(
    [1000n, 2000n].map(async (key) => Buffer.from((await ticks.get(u64.encode(key))) ?? [])),
  );
  const jiffies = Number((to?.readBigUInt64LE(0) ?? 0n) - (from?.readBigUInt64LE(0) ?? 0n));
  const seconds = Number((to?.readBigUInt64LE(8) ?? 0n) - (from?.readBigUInt64LE(8) ?? 0n)) / 1e9;
  t.expect(seconds).toBeGreaterThanOrEqual(0.5);
  // CONFIG_HZ=250 in all our configs.
  t.expect(jiffies / seconds).toBeGreaterThan(200);
  t.expect(jiffies / seconds).toBeLessThan(300);
});

rexTest("CPU and node are where the program runs", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "places" })`
    #[rex_map]
    static PLACES: RexHashMap<u32, u64> = RexHashMap::new(8, 0);

    fn places(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      PLACES.insert(&(program.bpf_get_smp_processor_id() as u32), &(program.bpf_get_numa_node_id() as u64))
    }
  `);
  await using _link = await program.attach();
  const places = program.map("PLACES", { key: u32, value: u64 });
  await t.guest.syscall("dup", 999, { cpu: 1 });
  t.expect(await places.entries()).toEqual([[1, 0n]]);
  await t.guest.syscall("dup", 999, { cpu: 0 });
  t.expect((await places.entries()).map(([cpu]) => cpu).sort()).toEqual([0, 1]);
});

rexTest("random numbers differ, and use all their bits", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "random" })`
    #[rex_map]
    static NUMBERS: RexHashMap<u32, u64> = RexHashMap::new(256, 0);

    fn random(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      for _ in 0..200 { NUMBERS.insert(&program.bpf_get_prandom_u32(), &1)?; }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const numbers = (await program.map("NUMBERS", { key: u32, value: u64 }).entries()).map(
    ([number]) => number,
  );
  t.expect(numbers.length).toBeGreaterThan(190);
  t.expect(numbers.reduce((all, number) => (all | number) >>> 0, 0)).toBe(0xffffffff);
  t.expect(numbers.reduce((all, number) => (all & number) >>> 0, 0xffffffff)).toBe(0);
});
