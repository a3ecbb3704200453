// SPDX-License-Identifier: MIT
// Promise: the limit holds for every type of program where it really runs: on packets in soft interrupts, on the clock in hardware
// interrupts; the packet is dropped, and whatever was interrupted goes on.
import { rex, rexTest, u32, u64 } from "rex-test";
import { experimental, frame } from "../packets.ts";
import { expectTimely, setLimits } from "./limits.ts";

const limits = { timeoutMs: 200, tickMs: 20 };
const [endless, pass] = [2, 1];

const xdp = rex.xdp({ name: "judge" })`
  fn judge(_: &xdp, ctx: &mut xdp_md) -> Result {
    while core::hint::black_box(ctx.data_slice[14]) == ${endless} {}
    Ok(XDP_PASS as i32)
  }
`;
const tc = rex.tc({ name: "judge" })`
  fn judge(_: &sched_cls, skb: &mut __sk_buff) -> Result {
    while core::hint::black_box(skb.data_slice[14]) == ${endless} {}
    Ok(TC_ACT_OK as i32)
  }
`;

const packets = [
  { name: "native XDP", program: xdp, target: { kind: "xdp", device: "veth1", mode: "native" } },
  { name: "generic XDP", program: xdp, target: { kind: "xdp", device: "veth1", mode: "generic" } },
  { name: "tcx ingress", program: tc, target: { kind: "tcx", device: "veth1", direction: "ingress" } },
] as const;

for (const { name, program, target } of packets) {
  rexTest(`an endless loop of ${name} is ended in its soft interrupt`, { cpus: 2 }, async (t) => {
    await setLimits(t, limits);
    const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
    const judge = await t.load(program);
    await using _link = await judge.attach({ target });
    for (let round = 0; round < 2; round++) {
      const run = await t.guest.net.exchange({
        send: { device: device.name, frames: [frame([endless]), frame([pass])] },
        receive: [{ device: peer.name, ethertype: experimental, count: 1 }],
        cpu: 1,
      });
      t.expect(run).toExitGracefully({ reason: "timeout", program: "judge", level: "softirq" });
      t.expect(run.exits).toHaveLength(1);
      expectTimely(t, run.exits[0], limits);
      t.expect(run.received).toEqual([[frame([pass])]]);
    }
    await t.expect(t.guest).toBeHealthy();
    await t.expect(t.guest).toHoldNoResources();
  });
}

rexTest("an endless loop on cpu-clock is ended in its hardware interrupt", { cpus: 2 }, async (t) => {
  await setLimits(t, limits);
  const program = await t.load(rex.perfEvent({ name: "clock" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn clock(_: &perf_event, _ctx: &bpf_perf_event_data) -> Result {
      let run = RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1);
      while core::hint::black_box(run) == 3 {}
      Ok(0)
    }
  `);
  await using _link = await program.attach({
    target: { kind: "perfEvent", event: "cpu-clock", samplePeriod: "1000000", cpu: 1 },
  });
  const runs = program.map("RUNS", { key: u32, value: u64 });
  const run = await t.guest.syscall("getpid", { cpu: 1, repeat: 100_000 });
  while (((await runs.get(0)) ?? 0n) < 6n) await t.guest.syscall("getpid", { cpu: 1, repeat: 20_000 });
  const exits = await t.guest.exits();
  t.expect(run).toReturn(1);
  t.expect(exits).toHaveLength(1);
  t.expect(exits[0]).toMatchObject({ prog: "clock", level: "hardirq", cpu: 1 });
  expectTimely(t, exits[0], limits);
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
