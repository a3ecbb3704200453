// SPDX-License-Identifier: MIT
// Promise: a program that ends before its limit is left alone, however close, and however long it has been running in all. The time
// that another one took inside of it does not count, where interrupts are off either.
import { rex, rexTest, u32, u64 } from "rex-test";
import { setLimits } from "./limits.ts";

const timeoutMs = 2_000;
const rounds = 3;

rexTest("a program that ends just before its limit is not touched", async (t) => {
  await setLimits(t, { timeoutMs, tickMs: 10 });
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "slow" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn slow(program: &kprobe, ctx: &mut PtRegs) -> Result {
      let ms = ctx.syscall_regs()?.args()[0];
      let begin = program.bpf_ktime_get_ns();
      while program.bpf_ktime_get_ns() - begin < ms * 1_000_000 {}
      let runs = RUNS.get(&0).ok_or(-1)?;
      RUNS.insert(&0, &(runs + 1))
    }
  `);
  await using _link = await program.attach();
  for (let round = 0; round < rounds; round++) {
    const run = await t.guest.syscall("dup", timeoutMs * 0.75);
    t.expect(run.exits).toEqual([]);
  }
  t.expect(await program.map("RUNS", { key: u32, value: u64 }).get(0)).toBe(BigInt(rounds));
  await t.expect(t.guest).toBeHealthy();
});

const limits = { timeoutMs: 200, tickMs: 10 };
const [innerMs, outerMs] = [180, 40];
/** Half of the ticks that the limit is long, which may be seen twice as often. */
const enoughMs = 50;
const triesAtMost = 30;

rexTest(
  "a program that holds a lock is not ended for the time of one inside of it",
  { cpus: 2 },
  async (t) => {
    await setLimits(t, limits);
    // Only a breakpoint is at the level of an NMI, and only where there is no call to ftrace.
    await t.guest.writeFile("/proc/sys/debug/kprobes-optimization", "0\n");
    const outer = await t.load(rex.xdp({ name: "outer" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Count { lock: bpf_spin_lock, runs: u32 }

    #[rex_map(lock = "lock")]
    static COUNTS: RexArrayMap<Count> = RexArrayMap::new(1, 0);
    #[rex_map]
    static TABLE: RexHashMap<u32, u64> = RexHashMap::new(4, 0);

    fn outer(program: &xdp, _ctx: &mut xdp_md) -> Result {
      let mut count = COUNTS.lock(&0).ok_or(-1)?;
      // Here the inner one runs.
      let _ = TABLE.get(&7);
      let begin = program.bpf_ktime_get_ns();
      while program.bpf_ktime_get_ns() - begin < ${outerMs} * 1_000_000 {}
      count.runs += 1;
      Ok(XDP_TX as i32)
    }
  `);
    const inner = await t.load(rex.kprobe({ function: "htab_map_lookup_elem", name: "inner" })`
    #[rex_map]
    static TOOK: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn inner(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let begin = program.bpf_ktime_get_ns();
      while program.bpf_ktime_get_ns() - begin < ${innerMs} * 1_000_000 {}
      TOOK.insert(&0, &(program.bpf_ktime_get_ns() - begin))
    }
  `);
    const probe = (offset: string) =>
      inner.attach({ target: { kind: "kprobe", symbol: "htab_map_lookup_elem", offset } });
    await probe("5").catch(() => probe("9"));
    const took = inner.map("TOOK", { key: u32, value: u64 });
    for (let tries = 0; ; tries++) {
      t.expect(tries, "tries on a host that lets programs wait").toBeLessThan(triesAtMost);
      await took.set(0, 0n);
      const run = await outer.testRun({ data: Buffer.alloc(64) });
      t.guest.account(run.exits);
      const tookMs = Number(await took.get(0)) / 1e6;
      const exit = run.exits.find(({ prog }) => prog === "outer");
      if (tookMs >= innerMs && exit === undefined) {
        t.expect(run).toReturn(3);
        break;
      }
      // One of them had to wait for its CPU, where interrupts were off.
      if (exit !== undefined && tookMs >= innerMs)
        t.expect(exit.durationNs / 1e6 - tookMs, "ms of its own").toBeGreaterThanOrEqual(enoughMs);
    }
    await t.expect(t.guest).toBeHealthy();
    await t.expect(t.guest).toHoldNoResources();
  },
);
