// SPDX-License-Identifier: MIT
// Promise: what specs set programs off with does so: storms on all CPUs, timers, packets from a capture.
import { framesOfPcap, pcapOf, rex, rexTest, u32, u64 } from "rex-test";
import { frame } from "../packets.ts";

rexTest("a storm runs a program on every CPU", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_getppid", name: "seen" })`
    use rex::map::RexPerCPUArrayMap;

    #[rex_map]
    static RUNS: RexPerCPUArrayMap<u64> = RexPerCPUArrayMap::new(1, 0);

    fn seen(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let mut runs = program.bpf_map_lookup_elem(&RUNS, &0).ok_or(-1)?;
      *runs += 1;
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  const runs = await t.guest.storm({ syscall: "getppid", threads: 6, repeat: 50 });
  t.expect(runs).toHaveLength(6);
  t.expect((await program.stats()).runs).toBe(300);
  t.expect(await program.map("RUNS", { key: u32, value: u64 }).getPerCpu(0)).toEqual([150n, 150n]);
});

rexTest("a timer runs a program in its interrupt, on its CPU", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "hrtimer_wakeup", name: "woken" })`
    fn woken(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let cpu = program.bpf_get_smp_processor_id();
      if cpu == 1 { panic!("due") }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  const run = await t.guest.timer(200, { cpu: 1, repeat: 3 });
  t.expect(run).toReturn(0);
  t.expect(run).toExitGracefully({ message: "due", level: "hardirq" });
  t.expect(run.exits.every(({ cpu }) => cpu === 1)).toBe(true);
});

rexTest("packets of a capture go through a device as they are", async (t) => {
  const capture = pcapOf([frame([1, 2, 3, 4]), frame([5, 6])]);
  const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
  const run = await t.guest.net.exchange({
    send: { device: device.name, frames: framesOfPcap(capture) },
    receive: [{ device: peer.name, count: 2 }],
  });
  const [received = []] = run.received;
  t.expect(pcapOf(received)).toEqual(capture);
});
