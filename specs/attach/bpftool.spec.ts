// SPDX-License-Identifier: MIT
// Promise: to stock tools a Rex program is a BPF program like any other.
import { type AttachTarget, bpfFolder, type Program, rex, rexTest, type TestContext } from "rex-test";
import { frame } from "../packets.ts";

const permissions = { hostTools: true };
const options = { permissions, memoryMiB: 192, timeoutMs: 60_000 };

const listed = rex.kprobe({ function: "__x64_sys_dup", name: "listed" })`
  #[rex_map]
  static CALLS: RexHashMap<u32, u64> = RexHashMap::new(16, 0);

  fn listed(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    CALLS.insert(&1, &1)
  }
`;

interface ListedProgram {
  readonly id: number;
  readonly type: string;
  readonly name?: string;
  readonly map_ids?: readonly number[];
}

async function programsOf(t: TestContext): Promise<readonly ListedProgram[]> {
  const shown = await t.guest.exec(["bpftool", "--json", "prog", "show"]);
  t.expect(shown, shown.stderr).toMatchObject({ status: 0 });
  return JSON.parse(shown.stdout) as ListedProgram[];
}

rexTest(
  "bpftool lists a Rex program while it is loaded and nothing after",
  { permissions, memoryMiB: 192 },
  async (t) => {
    t.expect(await programsOf(t)).toEqual([]);

    const program = await t.load(listed);
    const link = await program.attach();
    const [shown, ...others] = await programsOf(t);
    t.expect(others).toEqual([]);
    t.expect(shown).toMatchObject({ id: program.id, type: "kprobe", name: "listed" });
    t.expect(shown?.map_ids).toEqual(program.maps.map((map) => map.id));

    await link.detach();
    await program.unload();
    await t.expect.poll(() => programsOf(t)).toEqual([]);
  },
);

const sources = {
  kprobe: rex.kprobe({ function: "__x64_sys_dup", name: "on_dup" })`
    fn on_dup(_: &kprobe, ctx: &mut PtRegs) -> Result { Ok(0) }
  `,
  tracepoint: rex.tracepoint({ context: "SyscallsEnterDupCtx", name: "at_dup" })`
    fn at_dup(_: &tracepoint<Ctx>, _ctx: &'static Ctx) -> Result { Ok(0) }
  `,
  perf_event: rex.perfEvent({ name: "sample" })`
    fn sample(_: &perf_event, _ctx: &bpf_perf_event_data) -> Result { Ok(0) }
  `,
  xdp: rex.xdp({ name: "receive" })`
    fn receive(_: &xdp, _ctx: &mut xdp_md) -> Result { Ok(XDP_DROP as i32) }
  `,
  sched_cls: rex.tc({ name: "classify" })`
    fn classify(_: &sched_cls, _skb: &mut __sk_buff) -> Result { Ok(TC_ACT_OK as i32) }
  `,
} as const;

const targets: Readonly<Record<keyof typeof sources, AttachTarget>> = {
  kprobe: { kind: "kprobe", symbol: "__x64_sys_dup" },
  tracepoint: { kind: "tracepoint", category: "syscalls", name: "sys_enter_dup" },
  perf_event: { kind: "perfEvent", event: "cpu-clock", samplePeriod: "10000000" },
  xdp: { kind: "xdp", device: "veth1" },
  sched_cls: { kind: "tcx", device: "veth1", direction: "ingress" },
};

async function bpftool<T>(t: TestContext, ...args: readonly string[]): Promise<T> {
  const ran = await t.guest.exec(["bpftool", "--json", ...args]);
  t.expect(ran, `${args.join(" ")}: ${ran.stdout}${ran.stderr}`).toMatchObject({ status: 0 });
  return (ran.stdout.trim() === "" ? undefined : JSON.parse(ran.stdout)) as T;
}

rexTest("programs of all types and their links, shown one by one", options, async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  for (const [type, source] of Object.entries(sources)) {
    const program = await t.load(source);
    const link = await program.attach({ target: targets[type as keyof typeof sources] });
    const shown = await bpftool(t, "prog", "show", "id", String(program.id));
    t.expect(shown).toMatchObject({
      id: program.id,
      type,
      name: program.programs[0]?.name,
      tag: t.expect.stringMatching(/^[0-9a-f]{16}$/),
      gpl_compatible: true,
      uid: 0,
    });
    const linked = await bpftool(t, "link", "show", "id", String(link.id));
    t.expect(linked).toMatchObject({ id: link.id, prog_id: program.id });
  }
  const all = await bpftool<readonly { readonly type: string }[]>(t, "prog", "show");
  t.expect(all.map(({ type }) => type)).toEqual(Object.keys(sources));
  t.expect(await bpftool<readonly unknown[]>(t, "link", "show")).toHaveLength(all.length);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a program has no bytecode to show; its machine code is its thunk", options, async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  for (const source of Object.values(sources)) {
    const program = await t.load(source);
    const dump = (...what: readonly string[]) => t.guest.exec(["bpftool", "prog", "dump", ...what]);
    const id = String(program.id);
    const xlated = await dump("xlated", "id", id);
    t.expect(xlated.status).not.toBe(0);
    t.expect(xlated.stderr).toContain("error retrieving insn dump");
    const { progs } = await t.guest.inventory();
    t.expect(progs.find((prog) => prog.id === program.id)?.jitedBytes).toBe(32);
    const jited = await dump("jited", "id", id, "file", "/tmp/jited");
    if (jited.status !== 0) {
      // As Debian builds it, bpftool shows no program's machine code.
      t.expect(jited.stderr).toMatch(/No (libbfd|JIT disassembly) support/);
      continue;
    }
    const bytes = await t.guest.exec(["od", "-An", "-v", "-tx1", "/tmp/jited"]);
    t.expect(bytes.stdout.trim().split(/\s+/)).toHaveLength(32);
    t.expect(bytes.stdout.trim()).toMatch(/^f3 0f 1e fa 48 ba/); // endbr64; movabs
  }
  await t.expect(t.guest).toBeHealthy();
});

rexTest("bpftool detaches, attaches and shows what is on a device", options, async (t) => {
  const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
  const drop = await t.load(sources.xdp);
  const passes = async () => {
    const run = await t.guest.net.exchange({
      send: { device: device.name, frames: [frame([1])] },
      receive: [{ device: peer.name, count: 1 }],
      timeoutMs: 300,
    });
    return run.received[0]?.length === 1;
  };
  interface Shown {
    readonly xdp: readonly { readonly devname: string; readonly id?: number }[];
    readonly tc: readonly { readonly devname: string; readonly id?: number; readonly kind?: string }[];
  }
  const shown = async () => (await bpftool<readonly Shown[]>(t, "net", "show"))[0];

  const link = await drop.attach({ target: targets.xdp });
  t.expect(await passes()).toBe(false);
  await bpftool(t, "link", "detach", "id", String(link.id));
  t.expect(await passes()).toBe(true);

  await bpftool(t, "net", "attach", "xdpgeneric", "id", String(drop.id), "dev", "veth1");
  t.expect(await passes()).toBe(false);
  t.expect((await shown())?.xdp).toMatchObject([{ devname: "veth1" }]);
  await bpftool(t, "net", "detach", "xdpgeneric", "dev", "veth1");
  t.expect(await passes()).toBe(true);
  t.expect((await shown())?.xdp).toEqual([]);

  const classify = await t.load(sources.sched_cls);
  const filter = await t.guest.net.addFilter(classify, { device: "veth1", direction: "ingress" });
  t.expect((await shown())?.tc).toMatchObject([{ devname: "veth1", id: classify.id, name: "classify" }]);
  await filter.remove();
  t.expect((await shown())?.tc).toEqual([]);

  const probe = await t.load(sources.kprobe);
  const kept = await probe.attach();
  const refused = await t.guest.exec(["bpftool", "link", "detach", "id", String(kept.id)]);
  t.expect(refused.status).not.toBe(0);
  t.expect(refused.stderr).toMatch(/Operation not supported/);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("bpftool pins a program, and what it pinned is a program of ours", options, async (t) => {
  const path = `${bpfFolder}/by-bpftool`;
  const loaded: Program = await t.load(listed);
  await bpftool(t, "prog", "pin", "id", String(loaded.id), path);
  const { id } = loaded;
  await loaded.unload();
  t.expect(await bpftool(t, "prog", "show", "pinned", path)).toMatchObject({ id, name: "listed" });
  const program = await t.guest.pinned.program(path);
  await using _link = await program.attach({ target: targets.kprobe });
  await t.guest.syscall("dup", 999);
  const [map] = (await t.guest.inventory()).maps;
  t.expect(await bpftool(t, "map", "dump", "id", String(map?.id))).toMatchObject([
    { key: ["0x01", "0x00", "0x00", "0x00"] },
  ]);
  await t.guest.pinned.remove(path);
});
