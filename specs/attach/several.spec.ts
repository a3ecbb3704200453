// SPDX-License-Identifier: MIT
// Promise: an object's programs are of any types, attach where each belongs, and share its maps.
import { rex, rexTest, u32, u64 } from "rex-test";
import { busyUntil } from "../clock.ts";
import { frame } from "../packets.ts";

const all = rex.program("all_types")`
  #![no_std]
  #![no_main]
  use rex::kprobe::kprobe;
  use rex::map::RexArrayMap;
  use rex::perf_event::{bpf_perf_event_data, perf_event};
  use rex::pt_regs::PtRegs;
  use rex::sched_cls::{__sk_buff, TC_ACT_OK, sched_cls};
  use rex::tracepoint::{SyscallsEnterDupCtx, tracepoint};
  use rex::xdp::{XDP_PASS, xdp, xdp_md};
  use rex::{Result, rex_kprobe, rex_map, rex_perf_event, rex_tc, rex_tracepoint, rex_xdp};

  #[rex_map]
  static RUNS: RexArrayMap<u64> = RexArrayMap::new(5, 0);

  fn count(which: u32, verdict: u32) -> Result {
    RUNS.get_mut(&which).ok_or(-1)?.fetch_add(1);
    Ok(verdict as i32)
  }

  #[rex_kprobe(function = "__x64_sys_dup")]
  fn on_kprobe(_: &kprobe, _: &mut PtRegs) -> Result { count(0, 0) }

  #[rex_tracepoint]
  fn on_event(_: &tracepoint<SyscallsEnterDupCtx>, _: &'static SyscallsEnterDupCtx) -> Result { count(1, 0) }

  #[rex_perf_event]
  fn on_clock(_: &perf_event, _: &bpf_perf_event_data) -> Result { count(2, 0) }

  #[rex_xdp]
  fn on_receive(_: &xdp, _: &mut xdp_md) -> Result { count(3, XDP_PASS) }

  #[rex_tc]
  fn on_send(_: &sched_cls, _: &mut __sk_buff) -> Result { count(4, TC_ACT_OK) }
`;

const names = {
  on_kprobe: "kprobe",
  on_event: "tracepoint",
  on_clock: "perf_event",
  on_receive: "xdp",
  on_send: "sched_cls",
};

rexTest("programs of five types in one object share a map", async (t) => {
  const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
  const object = await t.load(all);
  t.expect(Object.fromEntries(object.programs.map(({ name, type }) => [name, type]))).toEqual(names);
  const samplePeriod = "1000000"; // ns
  const targets = {
    on_clock: { kind: "perfEvent", event: "cpu-clock", samplePeriod },
    on_receive: { kind: "xdp", device: peer.name },
    on_send: { kind: "tcx", device: device.name, direction: "egress" },
  } as const;
  await object.attach({ name: "on_kprobe" });
  await object.attach({ name: "on_event" });
  const clock = await object.attach({ name: "on_clock", target: targets.on_clock });
  await object.attach({ name: "on_receive", target: targets.on_receive });
  await object.attach({ name: "on_send", target: targets.on_send });

  await t.guest.syscall("dup", 999, { repeat: 7 });
  const map = object.map("RUNS", { key: u32, value: u64 });
  await busyUntil(t, async () => ((await map.get(2)) ?? 0n) > 3n);
  await t.guest.net.exchange({
    send: { device: device.name, frames: [frame([1]), frame([2]), frame([3])] },
    receive: [{ device: peer.name, count: 3 }],
  });
  await clock.detach();
  const runs = (await map.entries()).map(([, value]) => value);
  t.expect([runs[0], runs[1], runs[3], runs[4]]).toEqual([7n, 7n, 3n, 3n]);

  const { rexStats } = await t.guest.inventory();
  t.expect(rexStats).toMatchObject({ objects: 1, programs: 5 });
  await t.expect(t.guest).toBeHealthy();
});

rexTest("the programs of one object on one function", async (t) => {
  const object = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "trio" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(3, 0);

    fn first(_: &kprobe, ctx: &mut PtRegs) -> Result {
      RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1);
      Ok(0)
    }
    fn second(_: &kprobe, ctx: &mut PtRegs) -> Result {
      assert!(RUNS.get_mut(&1).ok_or(-1)?.fetch_add(1) != 2, "the third run of the second program");
      Ok(0)
    }
    fn third(_: &kprobe, ctx: &mut PtRegs) -> Result {
      RUNS.get_mut(&2).ok_or(-1)?.fetch_add(1);
      Ok(0)
    }
  `);
  await object.attach({ name: "first" });
  const second = await object.attach({ name: "second" });
  await object.attach({ name: "third" });
  const runs = async () =>
    (await object.map("RUNS", { key: u32, value: u64 }).entries()).map(([, value]) => value);

  const run = await t.guest.syscall("dup", 999, { repeat: 5 });
  t.expect(run).toExitGracefully({ message: "the third run of the second program", program: "second" });
  t.expect(run.exits).toHaveLength(1);
  t.expect(await runs(), "a panic of one keeps the others from nothing").toEqual([5n, 5n, 5n]);
  await second.detach();
  await t.guest.syscall("dup", 999, { repeat: 5 });
  t.expect(await runs()).toEqual([10n, 5n, 10n]);
  await t.expect(t.guest).toBeHealthy();
});
