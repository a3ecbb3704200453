// SPDX-License-Identifier: MIT
// Promise: a kprobe program runs at any instruction of a function, beside programs of other objects and eBPF ones, and learns from the
// cookie of the attachment for which of several it runs.
import { type Program, rex, rexTest, u32, u64 } from "rex-test";
import { returns } from "./ebpf.ts";

const symbol = "__x64_sys_dup";

rexTest("a probe inside a function", async (t) => {
  const program = await t.load(rex.kprobe({ function: symbol, name: "inside" })`
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn inside(_: &kprobe, ctx: &mut PtRegs) -> Result {
      SEEN.get_mut(&0).ok_or(-1)?.fetch_add(1);
      SEEN.insert(&1, &ctx.rip())
    }
  `);
  // Behind the 5 bytes of the call to ftrace, in front of which there may be an ENDBR of 4.
  const at = (offset: string) => program.attach({ target: { kind: "kprobe", symbol, offset } });
  const link = await at("5").catch(() => at("9"));
  const offset = BigInt(link.target?.kind === "kprobe" ? (link.target.offset ?? 0) : 0);
  await t.guest.syscall("dup", 999, { repeat: 10 });
  const [found] = await t.guest.kallsyms([symbol]);
  // The breakpoint is one byte long, and behind it the instruction pointer is.
  const address = BigInt(found?.address ?? 0) + offset + 1n;
  t.expect(await program.map("SEEN", { key: u32, value: u64 }).entries()).toEqual([
    [0, 10n],
    [1, address],
  ]);
  const [shown] = (await t.guest.inventory()).links;
  t.expect(shown).toMatchObject({ function: `${symbol}+0x${offset.toString(16)}`, ret: false, missed: 0 });

  const middle = program.attach({ target: { kind: "kprobe", symbol, offset: "1" } });
  await t.expect(middle, "not the start of an instruction").rejects.toThrow(/can't be probed/);
  const nowhere = program.attach({ target: { kind: "kprobe", symbol: "no_such_function" } });
  await t.expect(nowhere).rejects.toThrow(/there is no such function/);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a cookie tells a program which attachment it runs for", async (t) => {
  const program = await t.load(rex.kprobe({ function: symbol, name: "which" })`
    #[rex_map]
    static RUNS: RexHashMap<u64, u64> = RexHashMap::new(8, 0);

    fn which(program: &kprobe, ctx: &mut PtRegs) -> Result {
      let cookie = program.bpf_get_attach_cookie(ctx);
      let runs = RUNS.get(&cookie).unwrap_or(0);
      RUNS.insert(&cookie, &(runs + 1))
    }
  `);
  const big = 0xfedc_ba98_7654_3210n;
  await program.attach({ cookie: big });
  await program.attach({ cookie: 7n, target: { kind: "kprobe", symbol: "__x64_sys_dup2" } });
  await program.attach({ cookie: 8n, target: { kind: "kprobe", symbol: "__x64_sys_dup2", ret: true } });
  await program.attach({ target: { kind: "kprobe", symbol: "__x64_sys_getppid" } });
  await t.guest.syscall("dup", 999, { repeat: 3 });
  await t.guest.syscall("dup2", 999, 1000, { repeat: 2 });
  await t.guest.syscall("getppid");
  const runs = new Map(await program.map("RUNS", { key: u64, value: u64 }).entries());
  t.expect([runs.get(big), runs.get(7n), runs.get(8n), runs.get(0n)]).toEqual([3n, 2n, 2n, 1n]);
  t.expect(runs.size).toBe(4);
  const cookies = (await t.guest.inventory()).links.map((link) => link.cookie);
  t.expect(cookies).toEqual([String(big), "7", "8", "0"]);
});

rexTest("cookies on a tracepoint and on a clock, and none on a device", async (t) => {
  const event = await t.load(rex.tracepoint({ context: "SyscallsEnterDupCtx", name: "event" })`
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn event(program: &tracepoint<Ctx>, ctx: &'static Ctx) -> Result {
      SEEN.insert(&0, &program.bpf_get_attach_cookie(ctx))
    }
  `);
  const clock = await t.load(rex.perfEvent({ name: "clock" })`
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn clock(program: &perf_event, ctx: &bpf_perf_event_data) -> Result {
      SEEN.insert(&0, &program.bpf_get_attach_cookie(ctx))
    }
  `);
  await event.attach({ cookie: 11n });
  // It interrupts the other one, too.
  await clock.attach({
    cookie: 12n,
    target: { kind: "perfEvent", event: "cpu-clock", samplePeriod: "500000" },
  });
  const codecs = { key: u32, value: u64 };
  const seenBy = (program: Program) => program.map("SEEN", codecs).get(0);
  const isSeen = async () => (await seenBy(event)) !== 0n && (await seenBy(clock)) !== 0n;
  // A tick that comes while the other program runs is no run of this one.
  for (let round = 0; round < 100 && !(await isSeen()); round++)
    await t.guest.syscall("dup", 999, { repeat: 20_000 });
  t.expect(await seenBy(event)).toBe(11n);
  t.expect(await seenBy(clock)).toBe(12n);

  const packets = await t.load(rex.xdp({ name: "packets" })`
    fn packets(_: &xdp, _ctx: &mut xdp_md) -> Result { Ok(XDP_PASS as i32) }
  `);
  const attached = packets.attach({ cookie: 1n, target: { kind: "xdp", device: "lo", mode: "generic" } });
  await t.expect(attached).rejects.toThrow(/can't have a cookie/);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("programs of two objects and an eBPF program on one function", async (t) => {
  const counting = rex.kprobe({ function: symbol, name: "counting" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn counting(_: &kprobe, ctx: &mut PtRegs) -> Result {
      RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1);
      Ok(0)
    }
  `;
  const [one, other] = [await t.load(counting), await t.load(counting)];
  const stock = await t.guest.loadEbpf("kprobe", returns(0), "stock");
  await t.guest.writeFile("/proc/sys/kernel/bpf_stats_enabled", "1\n");
  await one.attach();
  const stockLink = await stock.attach({ target: { kind: "kprobe", symbol } });
  await other.attach();
  await t.guest.syscall("dup", 999, { repeat: 9 });
  const runs = async (program: typeof one) => await program.map("RUNS", { key: u32, value: u64 }).get(0);
  const stockRuns = async () => (await t.guest.inventory()).progs.find(({ id }) => id === stock.id)?.runCount;
  t.expect([await runs(one), await runs(other), await stockRuns()]).toEqual([9n, 9n, 9]);

  await one.unload();
  await t.guest.syscall("dup", 999);
  t.expect([await runs(other), await stockRuns()]).toEqual([10n, 10]);
  await stockLink.detach();
  await t.guest.syscall("dup", 999);
  t.expect([await runs(other), await stockRuns()]).toEqual([11n, 10]);
  await t.expect(t.guest).toBeHealthy();
});
