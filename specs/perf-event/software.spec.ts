// SPDX-License-Identifier: MIT
// Promise: a Rex program on any perf event runs as often as the event overflows: clocks, context switches, page faults, and the counters
// of the hardware where there are any. Where there are none, attaching says so.
import { rex, rexTest, type TestContext, u32, u64 } from "rex-test";
import { answerTo } from "../attach/ebpf.ts";
import { busyUntil } from "../clock.ts";

const counting = rex.perfEvent({ name: "counting" })`
  #[rex_map]
  static SEEN: RexArrayMap<u64> = RexArrayMap::new(3, 0);

  fn counting(program: &perf_event, ctx: &bpf_perf_event_data) -> Result {
    SEEN.get_mut(&0).ok_or(-1)?.fetch_add(1);
    SEEN.insert(&1, &ctx.sample_period())?;
    SEEN.insert(&2, &(ctx.regs().rip() | ctx.regs().cs() & 3))
  }
`;

const page = 4096;
/** GRND_INSECURE: a guest may wait for good random numbers for long. */
const insecure = 4;

async function seenAt(
  t: TestContext,
  event: string,
  samplePeriod: number,
  action: (runs: () => Promise<bigint>) => Promise<unknown>,
) {
  const program = await t.load(counting);
  const link = await program.attach({
    target: { kind: "perfEvent", event, samplePeriod: String(samplePeriod), cpu: 1 },
  });
  const map = program.map("SEEN", { key: u32, value: u64 });
  await action(async () => (await map.get(0)) ?? 0n);
  await link.detach();
  const seen = await map.entries();
  const [runs = 0n, period = 0n, address = 0n] = seen.map(([, value]) => value);
  await t.expect(t.guest).toBeHealthy();
  return { runs: Number(runs), period, address };
}

for (const event of ["cpu-clock", "task-clock"]) {
  rexTest(`${event} ticks while there is work`, { cpus: 2 }, async (t) => {
    const seen = await seenAt(t, event, 1_000_000, (runs) =>
      busyUntil(t, async () => (await runs()) > 5n, { cpu: 1 }),
    );
    t.expect(seen.period).toBe(1_000_000n);
    t.expect(seen.address, "where it was").toBeGreaterThan(3n);
  });
}

rexTest("context switches", { cpus: 2 }, async (t) => {
  const ms = Buffer.alloc(16);
  ms.writeBigInt64LE(1_000_000n, 8);
  const sleeps = 50;
  // To sleep, and to wake up again: at least two switches each.
  const seen = await seenAt(t, "context-switches", 1, () =>
    t.guest.syscall("nanosleep", ms, 0, { cpu: 1, repeat: sleeps }),
  );
  t.expect(seen.runs).toBeGreaterThanOrEqual(2 * sleeps);
});

rexTest("every tenth context switch", { cpus: 2 }, async (t) => {
  const ms = Buffer.alloc(16);
  ms.writeBigInt64LE(1_000_000n, 8);
  const every = await seenAt(t, "context-switches", 1, () =>
    t.guest.syscall("nanosleep", ms, 0, { cpu: 1, repeat: 100 }),
  );
  const tenth = await seenAt(t, "context-switches", 10, () =>
    t.guest.syscall("nanosleep", ms, 0, { cpu: 1, repeat: 100 }),
  );
  t.expect(tenth.period).toBe(10n);
  t.expect(tenth.runs).toBeGreaterThanOrEqual(20);
  t.expect(tenth.runs).toBeLessThan(every.runs / 2);
});

for (const event of ["page-faults", "minor-faults"]) {
  rexTest(`${event}, one for each page that is touched`, { cpus: 2 }, async (t) => {
    const pages = 256;
    const seen = await seenAt(t, event, 1, () =>
      t.guest.syscall("getrandom", { buffer: pages * page }, pages * page, insecure, { cpu: 1 }),
    );
    t.expect(seen.runs).toBeGreaterThanOrEqual(pages);
  });
}

rexTest("a panic at a page fault and at a context switch", { cpus: 2 }, async (t) => {
  for (const [event, samplePeriod] of [
    ["page-faults", "20"],
    ["context-switches", "20"],
  ] as const) {
    const program = await t.load(rex.perfEvent({ name: "faulty" })`
      #[rex_map]
      static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

      fn faulty(_: &perf_event, ctx: &bpf_perf_event_data) -> Result {
        if RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1) == 1 {
          panic!("every {}", ctx.sample_period());
        }
        Ok(0)
      }
    `);
    const link = await program.attach({ target: { kind: "perfEvent", event, samplePeriod, cpu: 1 } });
    const ms = Buffer.alloc(16);
    ms.writeBigInt64LE(1_000_000n, 8);
    await t.guest.syscall("nanosleep", ms, 0, { cpu: 1, repeat: 60 });
    await t.guest.syscall("getrandom", { buffer: 100 * page }, 100 * page, insecure, { cpu: 1 });
    await link.detach();
    const exits = (await t.guest.exits()).filter(({ message }) => message === "every 20");
    t.expect(exits, event).toHaveLength(event === "page-faults" ? 1 : 2);
    t.expect(await program.map("RUNS", { key: u32, value: u64 }).get(0)).toBeGreaterThan(2n);
  }
  await t.expect(t.guest).toBeHealthy();
});

for (const event of ["cpu-cycles", "instructions"]) {
  rexTest(`${event}, where the processor counts them`, { cpus: 2 }, async (t) => {
    const program = await t.load(counting);
    const target = { kind: "perfEvent", event, samplePeriod: "100000", cpu: 1 } as const;
    const hasPmu = await t.guest.readFile("/sys/bus/event_source/devices/cpu/type").then(
      () => true,
      () => false,
    );
    if (!hasPmu) {
      await t.expect(program.attach({ target })).rejects.toThrow(/this machine doesn't have it/);
      t.expect(["ENOENT", "EOPNOTSUPP"]).toContain(await answerTo(program.attach({ target })));
      return;
    }
    const link = await program.attach({ target });
    await t.guest.syscall("getpid", { cpu: 1, repeat: 100_000 });
    await link.detach();
    const [runs, period] = (await program.map("SEEN", { key: u32, value: u64 }).entries()).map(
      ([, value]) => value,
    );
    t.expect(runs).toBeGreaterThan(10n);
    t.expect(period).toBe(100_000n);
    await t.expect(t.guest).toBeHealthy();
  });
}
