// SPDX-License-Identifier: MIT
// Promise: the link of a Rex program is a BPF link like any other: listed by id, with the place that it is at, detached by force where
// an eBPF program's is.
import { type AttachTarget, type Program, rex, rexTest, type TestContext } from "rex-test";
import { frame } from "../packets.ts";
import { answerTo, returns } from "./ebpf.ts";

const sources = {
  kprobe: rex.kprobe({ function: "__x64_sys_dup", name: "on_dup" })`
    fn on_dup(_: &kprobe, ctx: &mut PtRegs) -> Result { panic!("on_dup") }
  `,
  tracepoint: rex.tracepoint({ context: "SyscallsEnterDupCtx", name: "at_dup" })`
    fn at_dup(_: &tracepoint<Ctx>, _ctx: &'static Ctx) -> Result { panic!("at_dup") }
  `,
  perf_event: rex.perfEvent({ name: "sample" })`
    fn sample(_: &perf_event, _ctx: &bpf_perf_event_data) -> Result { Ok(0) }
  `,
  xdp: rex.xdp({ name: "receive" })`
    fn receive(_: &xdp, _ctx: &mut xdp_md) -> Result { Ok(XDP_DROP as i32) }
  `,
  sched_cls: rex.tc({ name: "send" })`
    fn send(_: &sched_cls, _skb: &mut __sk_buff) -> Result { Ok(TC_ACT_SHOT as i32) }
  `,
} as const;

type Type = keyof typeof sources;

const targets: Readonly<Record<Type, AttachTarget>> = {
  kprobe: { kind: "kprobe", symbol: "__x64_sys_dup" },
  tracepoint: { kind: "tracepoint", category: "syscalls", name: "sys_enter_dup" },
  perf_event: { kind: "perfEvent", event: "context-switches", samplePeriod: "100" },
  xdp: { kind: "xdp", device: "veth1", mode: "native" },
  sched_cls: { kind: "tcx", device: "veth1", direction: "ingress" },
};
const types = Object.keys(sources) as readonly Type[];

async function loadAll(t: TestContext): Promise<Readonly<Record<Type, Program>>> {
  const loaded = [];
  for (const type of types) loaded.push([type, await t.load(sources[type])] as const);
  return Object.fromEntries(loaded) as Record<Type, Program>;
}

rexTest("links are listed with their places", async (t) => {
  const { peer } = await t.guest.net.addVeth("veth0", "veth1");
  const programs = await loadAll(t);
  const retprobe = { kind: "kprobe", symbol: "__x64_sys_dup2", ret: true } as const;
  const links = [];
  for (const type of types) links.push(await programs[type].attach({ target: targets[type] }));
  links.push(await programs.kprobe.attach({ target: retprobe }));
  const listed = (await t.guest.inventory()).links;
  t.expect(listed.map(({ id }) => id)).toEqual(links.map(({ id }) => id));
  t.expect(listed.map(({ progId }) => progId)).toEqual([
    ...types.map((type) => programs[type].id),
    programs.kprobe.id,
  ]);
  t.expect(listed).toMatchObject([
    { type: "perf_event", function: "__x64_sys_dup", ret: false, missed: 0, cookie: "0" },
    { type: "perf_event", tracepoint: "sys_enter_dup", cookie: "0" },
    { type: "perf_event", event: ["1", "3"], cookie: "0" }, // PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES
    { type: "xdp", device: peer.index },
    { type: "tcx", device: peer.index },
    { type: "perf_event", function: "__x64_sys_dup2", ret: true },
  ]);
});

rexTest("what an eBPF program's link is detached from by force, a Rex program's is", async (t) => {
  const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
  const programs = await loadAll(t);
  for (const type of types) {
    const stock = await t.guest.loadEbpf(type, returns(0), "stock");
    const stockLink = await stock.attach({ target: targets[type] });
    const expected = await answerTo(stockLink.forceDetach());
    await stockLink.detach();
    const link = await programs[type].attach({ target: targets[type] });
    t.expect(await answerTo(link.forceDetach()), type).toBe(expected);
    t.expect(expected, type).toBe(type === "xdp" || type === "sched_cls" ? "done" : "EOPNOTSUPP");
  }
  // The links are still there, those of the device with nothing behind them.
  const listed = (await t.guest.inventory()).links;
  t.expect(listed.map(({ device: at }) => at)).toEqual([undefined, undefined, undefined, 0, 0]);
  const run = await t.guest.net.exchange({
    send: { device: device.name, frames: [frame([1])] },
    receive: [{ device: peer.name, ethertype: 0x88b5, count: 1 }],
  });
  t.expect(run.received).toEqual([[frame([1])]]);
  t.expect(await t.guest.syscall("dup", 999)).toExitGracefully({ message: /at_dup|on_dup/ });
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a device that goes leaves links and programs behind", async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  const programs = await loadAll(t);
  const xdp = await programs.xdp.attach({ target: targets.xdp });
  const tcx = await programs.sched_cls.attach({ target: targets.sched_cls });
  await t.guest.net.remove("veth0");
  const listed = (await t.guest.inventory()).links;
  t.expect(listed.map(({ id, device }) => [id, device])).toEqual([
    [xdp.id, 0],
    [tcx.id, 0],
  ]);
  t.expect(await answerTo(xdp.update(programs.xdp))).toBe("ENOLINK");
  t.expect(await answerTo(tcx.update(programs.sched_cls))).toBe("ENOLINK");
  await xdp.detach();
  await tcx.detach();
  t.expect((await t.guest.inventory()).links).toEqual([]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a program goes where an eBPF program of its type goes, and nowhere else", async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  const programs = await loadAll(t);
  const answers: Record<string, string> = {};
  for (const type of types) {
    const stock = await t.guest.loadEbpf(type, returns(0), "stock");
    for (const place of types) {
      const target = targets[place];
      const attach = async (program: Program) => {
        const link = await program.attach({ target });
        await link.detach();
      };
      const expected = await answerTo(attach(stock));
      t.expect(await answerTo(attach(programs[type])), `${type} at ${place}`).toBe(expected);
      answers[`${type} at ${place}`] = expected;
    }
  }
  const done = Object.entries(answers).filter(([, answer]) => answer === "done");
  t.expect(done.map(([what]) => what)).toEqual(types.map((type) => `${type} at ${type}`));
  t.expect(answers["kprobe at tracepoint"]).toBe("EINVAL");
  await t.expect(t.guest).toBeHealthy();
});
