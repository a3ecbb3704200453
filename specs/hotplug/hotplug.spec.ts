// SPDX-License-Identifier: MIT
// Promise: CPUs may come and go while programs are attached to what they run: those that go leave nothing behind, those that come run
// programs on stacks of their own, in every context, and are looked after.
import { rex, rexTest, type TestContext, u32, u64 } from "rex-test";
import { contexts } from "../contexts.ts";
import { expectArmed, expectNoneSoon } from "../termination/armed.ts";
import { expectTimely, setLimits } from "../termination/limits.ts";

const limits = { timeoutMs: 200, tickMs: 20 };
const cpu = 1;

async function setOnline(t: TestContext, online: boolean): Promise<void> {
  await t.guest.writeFile(`/sys/devices/system/cpu/cpu${cpu}/online`, online ? "1\n" : "0\n");
  t.expect(await t.guest.cpus()).toEqual(online ? [0, cpu] : [0]);
}

const counting = rex.kprobe({ function: "__x64_sys_getpid", name: "counting" })`
  #[rex_map]
  static RUNS: RexArrayMap<u64> = RexArrayMap::new(2, 0);

  fn counting(program: &kprobe, _ctx: &mut PtRegs) -> Result {
    RUNS.get_mut(&(program.bpf_get_smp_processor_id() as u32)).ok_or(-1)?.fetch_add(1);
    Ok(0)
  }
`;

const panicking = rex.kprobe({ function: "__x64_sys_dup", name: "panicking" })`
  fn panicking(program: &kprobe, _ctx: &mut PtRegs) -> Result {
    panic!("on CPU {}", program.bpf_get_smp_processor_id())
  }
`;

const endless = rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
  #[rex_map]
  static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

  fn endless(program: &kprobe, _ctx: &mut PtRegs) -> Result {
    if program.bpf_get_smp_processor_id() != ${cpu} {
      return Ok(0);
    }
    RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1);
    loop {}
  }
`;

rexTest("a CPU goes and comes back while programs run on it", { cpus: 2, timeoutMs: 60_000 }, async (t) => {
  const sound = await t.load(counting);
  const failing = await t.load(panicking);
  await sound.attach();
  await failing.attach();
  const runs = sound.map("RUNS", { key: u32, value: u64 });
  const repeat = 100_000;
  let moved = 0;
  for (let round = 0; round < 4; round++) {
    for (const index of [0, cpu]) await runs.set(index, 0n);
    // The threads that are pinned to a CPU which goes are moved to another one, in the middle of it all.
    const calls = t.guest.trigger([
      { syscall: "getpid", cpu, repeat },
      { syscall: "dup", args: [999], cpu, repeat: 60 },
    ]);
    while ((await runs.get(cpu)) === 0n) await t.guest.ping();
    await setOnline(t, false);
    await expectArmed(t, 1);
    const [well, ill] = await calls;
    t.expect(well).toReturn(1);
    t.expect(ill).toExitGracefully({ reason: "panic", program: "panicking" });
    t.expect(ill).toReturn("EBADF");
    const [here, there] = [(await runs.get(0)) ?? 0n, (await runs.get(cpu)) ?? 0n];
    t.expect(here + there).toBe(BigInt(repeat));
    if (here > 0n && there > 0n) moved += 1;
    await setOnline(t, true);
    await expectArmed(t, 2);
    const back = await t.guest.syscall("dup", 999, { cpu });
    t.expect(back).toExitGracefully({ message: `on CPU ${cpu}` });
    await t.guest.exits();
  }
  t.expect(moved, "rounds in which the CPU went before the calls were done").toBeGreaterThan(0);
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("a CPU whose program does not end goes when it is ended", { cpus: 2 }, async (t) => {
  await setLimits(t, limits);
  const program = await t.load(endless);
  await using _link = await program.attach();
  const runs = program.map("RUNS", { key: u32, value: u64 });
  const call = t.guest.syscall("dup", 999, { cpu });
  while ((await runs.get(0)) === 0n) await t.guest.ping();
  await setOnline(t, false);
  const run = await call;
  t.expect(run).toExitGracefully({ reason: "timeout", program: "endless" });
  t.expect(run).toReturn("EBADF");
  t.expect(run.exits.map((exit) => exit.cpu)).toEqual([cpu]);
  expectTimely(t, run.exits[0], limits);
  await expectArmed(t, 1);
  await setOnline(t, true);
  const again = await t.guest.syscall("dup", 999, { cpu });
  t.expect(again).toExitGracefully({ reason: "timeout" });
  expectTimely(t, again.exits[0], limits);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("programs that are loaded, or unloaded, while a CPU is away", { cpus: 2 }, async (t) => {
  await setLimits(t, limits);
  const first = await t.load("hello");
  await expectArmed(t, 2);
  await setOnline(t, false);
  await first.unload();
  await expectNoneSoon(t);
  await setOnline(t, true);
  await expectArmed(t, 0, "without programs");
  await setOnline(t, false);
  const program = await t.load(endless);
  await using _link = await program.attach();
  await expectArmed(t, 1);
  await setOnline(t, true);
  await expectArmed(t, 2);
  const run = await t.guest.syscall("dup", 999, { cpu });
  t.expect(run).toExitGracefully({ reason: "timeout" });
  expectTimely(t, run.exits[0], limits);
  await t.expect(t.guest).toBeHealthy();
});

for (const context of contexts) {
  rexTest(
    `a CPU that was not there at boot runs and ends programs in ${context.name}`,
    { cpus: 2, kernelParameters: ["maxcpus=1"] },
    async (t) => {
      await setLimits(t, limits);
      const program = await t.load(endless);
      const link = await context.attach(t, program);
      t.expect(await t.guest.cpus()).toEqual([0]);
      await setOnline(t, true);
      const [ending] = await context.endings(t, { cpu });
      t.expect(ending).toMatchObject({ prog: "endless", cpu, level: context.level });
      // What it interrupts goes on to call it until here.
      await link.detach();
      for (const exit of await t.guest.exits()) expectTimely(t, exit, limits);
      t.expect((await t.guest.inventory()).rexStats?.["misses"], "runs without a stack").toBe(0);
      await t.expect(t.guest).toBeHealthy();
      await t.expect(t.guest).toHoldNoResources();
    },
  );
}
