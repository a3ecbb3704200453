// SPDX-License-Identifier: MIT
// Promise: a Rex program on a perf event runs when the event overflows, in hardirq context for a software clock, and gets the
// registers of what it interrupted.
import { rex, rexTest, u32, u64 } from "rex-test";
import { busyUntil } from "../clock.ts";

const samplePeriod = 1_000_000; // ns
const target = { kind: "perfEvent", event: "cpu-clock", samplePeriod: String(samplePeriod) } as const;

rexTest("a program on cpu-clock sees registers, period and counter", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.perfEvent({ name: "sample" })`
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(7, 0);

    fn sample(program: &perf_event, ctx: &bpf_perf_event_data) -> Result {
      let mut value = bpf_perf_event_value { counter: 0, enabled: 0, running: 0 };
      program.bpf_perf_prog_read_value(ctx, &mut value)?;
      if let Some(mut runs) = SEEN.get_mut(&0) {
        runs.fetch_add(1);
      }
      SEEN.insert(&1, &ctx.sample_period())?;
      SEEN.insert(&2, &value.counter)?;
      SEEN.insert(&3, &ctx.addr())?;
      SEEN.insert(&4, &(program.bpf_get_smp_processor_id() as u64))?;
      // Of a task in user space: code below the middle of the address space, ring 3.
      if ctx.regs().cs() & 3 == 3 && ctx.regs().rip() >> 47 == 0 && ctx.regs().rsp() >> 47 == 0 {
        SEEN.get_mut(&5).ok_or(-1)?.fetch_add(1);
      }
      // Of the kernel, in the other half.
      if ctx.regs().cs() & 3 == 0 && ctx.regs().rip() >> 63 == 1 && ctx.regs().rsp() >> 63 == 1 {
        SEEN.get_mut(&6).ok_or(-1)?.fetch_add(1);
      }
      Ok(0)
    }
  `);
  await using link = await program.attach({ target: { ...target, cpu: 1 } });
  t.expect(link.target).toEqual({ ...target, cpu: 1 });
  const look = async () =>
    (await program.map("SEEN", { key: u32, value: u64 }).entries()).map(([, value]) => value);
  // Something to interrupt, in user space for a part of the time.
  await busyUntil(
    t,
    async () => {
      const [runs = 0n, , , , , ofUserSpace, ofKernel] = await look();
      return runs > 5n && ofUserSpace !== 0n && ofKernel !== 0n;
    },
    { cpu: 1 },
  );
  const seen = await look();
  t.expect(seen[1], "sample period").toBe(BigInt(samplePeriod));
  t.expect(seen[2], "counter").toBeGreaterThan(BigInt(samplePeriod));
  t.expect(seen[3], "address").toBe(0n);
  t.expect(seen[4], "CPU").toBe(1n);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a panic in hardirq context exits gracefully", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.perfEvent({ name: "in_hardirq" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn in_hardirq(program: &perf_event, ctx: &bpf_perf_event_data) -> Result {
      let task = program.bpf_get_current_task().ok_or(-1)?;
      // The thread that makes the system calls below, and no other.
      if !task.get_comm().is_ok_and(|name| name.to_bytes().starts_with(b"trigger")) {
        return Ok(0);
      }
      let runs = RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1);
      assert!(runs != 3, "on purpose, every {} ns", ctx.sample_period());
      Ok(0)
    }
  `);
  await using _link = await program.attach({ target: { ...target, cpu: 1 } });
  const getpid = () => t.guest.syscall("getpid", { cpu: 1, repeat: 100_000 });
  let run = await getpid();
  while (run.exits.length === 0) run = await getpid();
  t.expect(run).toExitGracefully({
    reason: "panic",
    level: "hardirq",
    program: "in_hardirq",
    message: "on purpose, every 1000000 ns",
    frames: ["in_hardirq", "rex_dispatcher_func"],
  });
  t.expect(run.exits).toHaveLength(1);
  t.expect(run).toReturn(1);
  // It goes on running afterwards.
  const runs = program.map("RUNS", { key: u32, value: u64 });
  await busyUntil(t, async () => ((await runs.get(0)) ?? 0n) > 6n, { cpu: 1 });
  t.expect(await t.guest.exits()).toHaveLength(1);
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("an event that does not exist is refused by name", async (t) => {
  const program = await t.load(rex.perfEvent({ name: "nowhere" })`
    fn nowhere(_: &perf_event, _ctx: &bpf_perf_event_data) -> Result { Ok(0) }
  `);
  const attached = program.attach({ target: { ...target, event: "cpu-watch" } });
  await t.expect(attached).rejects.toThrow(/no perf event "cpu-watch"/);
  await t.expect(program.attach()).rejects.toThrow(/has no default target/);
});
