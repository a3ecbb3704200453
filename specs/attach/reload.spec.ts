// SPDX-License-Identifier: MIT
// Promise: programs are attached, detached and unloaded while they run, on this CPU and on others. A run goes on to its end in an
// object that stays for so long; no call is missed while there is one version or the other.
import { type Program, rex, rexTest, type TestContext, u32, u64 } from "rex-test";

const cpus = 2;

// While calls come in a storm, a probe is put into the code that they run and taken out again: nothing for emulated CPUs in parallel.
const stormy = { cpus, cpusTakeTurns: true, timeoutMs: 60_000 };
const codecs = { key: u32, value: u64 };

/**
 * Objects in the kernel. Not from the inventory, which opens what there is for a moment: the last one to close a link waits for
 * the program to end.
 */
async function objects(t: TestContext): Promise<number> {
  return Number(/^objects (\d+)$/m.exec(await t.guest.readFile("/sys/kernel/debug/rex/stats"))?.[1]);
}

/**
 * About a second after the boot the kernel changes its clocksource, for which it stops all CPUs: the others spin until the one
 * with the program stops too. Clones have it behind them, guests that were booted may not.
 */
async function clockIsChosen(t: TestContext): Promise<void> {
  const path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  const timeout = 10_000 * t.kernel.slowness.time;
  await t.expect.poll(() => t.guest.readFile(path), { timeout }).not.toBe("tsc-early\n");
}

/** Has nothing to do but to keep a map: 0 says that a run has begun, 1 that it has ended, 2 that it may. */
const keeper = rex.kprobe({ function: "__x64_sys_getppid", name: "keeper" })`
  #[rex_map]
  static STEPS: RexArrayMap<u64> = RexArrayMap::new(3, 0);

  fn keeper(_: &kprobe, ctx: &mut PtRegs) -> Result { Ok(STEPS.get(&0).is_some() as i32) }
`;

const statics = `
  #[rex_map]
  static STEPS: RexArrayMap<u64> = RexArrayMap::new(3, 0);
  // In the object's own memory, which is read to the end.
  static WORDS: [u64; 512] = [3; 512];
`;
const loop = `
  STEPS.insert(&0, &1)?;
  let mut sum = 0u64;
  while STEPS.get(&2) == Some(0) {
    sum = WORDS.iter().fold(sum, |sum, word| sum.wrapping_add(core::hint::black_box(*word)));
  }
  STEPS.insert(&1, &(1 + sum % 3))
`;
/** For the test to do what it does meanwhile, on a machine that has much else to do. */
const limitMs = 15_000;

const runners = {
  kprobe: rex.kprobe({ function: "__x64_sys_dup", name: "runner" })`
    ${statics}
    fn runner(program: &kprobe, ctx: &mut PtRegs) -> Result { ${loop} }
  `,
  tracepoint: rex.tracepoint({ context: "SyscallsEnterDupCtx", name: "runner" })`
    ${statics}
    fn runner(program: &tracepoint<Ctx>, ctx: &'static Ctx) -> Result { ${loop} }
  `,
};

for (const [type, source] of Object.entries(runners)) {
  rexTest(`a ${type} program is unloaded while it runs`, { cpus }, async (t) => {
    await t.guest.writeFile("/proc/sys/kernel/rex_timeout_ms", `${limitMs}\n`);
    await clockIsChosen(t);
    const kept = await t.load(keeper);
    const steps = kept.map("STEPS", codecs);
    const program = await t.load(source, { maps: { STEPS: kept.map("STEPS") } });
    await program.attach();
    const running = t.guest.syscall("dup", 999, { cpu: 1, timeoutMs: limitMs });
    await t.expect.poll(() => steps.get(0), { timeout: limitMs / 3 }).toBe(1n);

    // Whether it waits for the run is the hook's business.
    const unloading = program.unload();
    for (let round = 0; round < 10; round++) {
      t.expect(await objects(t), "there for as long as it runs").toBe(2);
    }
    t.expect(await steps.get(1), "still running").toBe(0n);
    await steps.set(2, 1n);
    t.expect(await running).toReturn("EBADF");
    t.expect(await steps.get(1), "to its end").toBe(1n);
    await unloading;
    await t.expect.poll(() => objects(t), { timeout: 5_000 * t.kernel.slowness.time }).toBe(1);
    t.expect((await t.guest.inventory()).progs.map(({ name }) => name)).toEqual(["keeper"]);
    await t.expect(t.guest).toBeHealthy();
  });
}

rexTest("attached and detached under a storm of calls", stormy, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "counting" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn counting(_: &kprobe, ctx: &mut PtRegs) -> Result {
      RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1);
      Ok(0)
    }
  `);
  const [rounds, repeat] = [10, 20_000];
  let over = false;
  const storm = async () => {
    let calls = 0;
    for (; !over; calls += 2 * repeat) {
      const runs = await t.guest.trigger([0, 1].map((cpu) => ({ syscall: "dup", args: [999], cpu, repeat })));
      for (const run of runs) {
        t.expect(run).toReturn("EBADF");
        t.expect(run.exits).toEqual([]);
      }
    }
    return calls;
  };
  const storming = storm();
  for (let round = 0; round < rounds; round++) {
    const link = await program.attach();
    await t.guest.syscall("dup", 999);
    await link.detach();
  }
  over = true;
  const calls = await storming;
  const runs = (await program.map("RUNS", codecs).get(0)) ?? 0n;
  t.expect(runs, "each call while it is attached").toBeGreaterThanOrEqual(BigInt(rounds));
  t.expect(runs, "and none twice").toBeLessThanOrEqual(BigInt(calls + rounds));
  // And what it counts afterwards is exact again.
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999, { repeat: 10 });
  t.expect(await program.map("RUNS", codecs).get(0)).toBe(runs + 10n);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a new version takes over during a storm of calls", stormy, async (t) => {
  // A link on a kprobe keeps its program: the new version is attached before the old one is detached.
  const counting = rex.kprobe({ function: "__x64_sys_dup", name: "counting" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn counting(_: &kprobe, ctx: &mut PtRegs) -> Result {
      RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1);
      Ok(0)
    }
  `;
  let current: Program = await t.load(counting);
  const runs = current.map("RUNS", codecs);
  let link = await current.attach();
  const [reloads, repeat] = [6, 20_000];
  let over = false;
  const storm = async () => {
    let calls = 0;
    for (; !over; calls += repeat) {
      t.expect(await t.guest.syscall("dup", 999, { cpu: 1, repeat })).toReturn("EBADF");
    }
    return calls;
  };
  const storming = storm();
  for (let reload = 0; reload < reloads; reload++) {
    const next = await t.load(counting, { maps: { RUNS: runs } });
    const nextLink = await next.attach();
    await link.detach();
    if (reload > 0) await current.unload();
    [current, link] = [next, nextLink];
  }
  over = true;
  const calls = await storming;
  // None is missed; while both are attached a call counts twice.
  t.expect(await runs.get(0)).toBeGreaterThanOrEqual(BigInt(calls));
  await t.expect.poll(() => objects(t), { timeout: 5_000 * t.kernel.slowness.time }).toBe(2);
  await t.expect(t.guest).toBeHealthy();
});
