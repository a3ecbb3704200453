// SPDX-License-Identifier: MIT
// Promise: what stops when a program ends abnormally is up to kernel.rex_crash_stop, and a stopped program does not run: its hook
// gets the default, and the skipped run is counted. Loaded again, it runs.
import { type LoadOptions, type Program, rex, rexTest, type TestContext, u32, u64 } from "rex-test";

const file = "/proc/sys/kernel/rex_crash_stop";

/** Two programs, one of which fails when the descriptor is 999, and both of which count themselves. */
const pair = rex.program("pair")`#![no_std]
#![no_main]

use rex::kprobe::kprobe;
use rex::map::RexArrayMap;
use rex::pt_regs::PtRegs;
use rex::{Result, rex_kprobe, rex_map};

#[rex_map]
static RUNS: RexArrayMap<u64> = RexArrayMap::new(2, 0);

fn count(which: u32) -> Result {
    let runs = RUNS.get(&which).ok_or(-1)?;
    RUNS.insert(&which, &(runs + 1))
}

#[rex_kprobe(function = "__x64_sys_dup")]
fn failing(_: &kprobe, ctx: &mut PtRegs) -> Result {
    count(0)?;
    assert!(ctx.syscall_regs()?.args()[0] != 999, "as it was asked to");
    Ok(0)
}

#[rex_kprobe(function = "__x64_sys_getpid")]
fn sound(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    count(1)
}
`;

async function stoppedRuns(t: TestContext): Promise<number> {
  return (await t.guest.inventory()).rexStats?.["stopped_runs"] ?? Number.NaN;
}

async function runs(program: Program): Promise<bigint[]> {
  const map = program.map("RUNS", { key: u32, value: u64 });
  return [(await map.get(0)) ?? -1n, (await map.get(1)) ?? -1n];
}

/** Makes the failing program of an object fail, while no other one is attached to its function. */
async function crash(t: TestContext, program: Program): Promise<void> {
  await using _link = await program.attach({ name: "failing" });
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({ reason: "panic", program: "failing" });
  t.expect(run).toReturn("EBADF");
}

/** Runs the sound programs of all objects at once, which are attached, and says which of them ran. */
async function soundRuns(t: TestContext, programs: readonly Program[]): Promise<boolean[]> {
  const before = await Promise.all(programs.map(runs));
  const run = await t.guest.syscall("getpid");
  t.expect(run.exits).toEqual([]);
  const after = await Promise.all(programs.map(runs));
  return after.map((now, i) => now[1] !== before[i]?.[1]);
}

async function sound(t: TestContext, options: LoadOptions = {}): Promise<Program> {
  const program = await t.load(pair, options);
  await program.attach({ name: "sound" });
  return program;
}

rexTest("with 0 a program that failed runs again", async (t) => {
  t.expect((await t.guest.readFile(file)).trim()).toBe("0");
  const program = await sound(t);
  for (let round = 0; round < 3; round++) await crash(t, program);
  t.expect(await soundRuns(t, [program])).toEqual([true]);
  t.expect(await runs(program)).toEqual([3n, 1n]);
  t.expect(await stoppedRuns(t)).toBe(0);
});

rexTest("with 1 the programs of the same object stop, and no others", async (t) => {
  await t.guest.writeFile(file, "1\n");
  const failed = await sound(t);
  const sharer = await sound(t, { maps: { RUNS: failed.map("RUNS") } });
  const other = await sound(t);
  await sharer.unload();
  t.expect(await soundRuns(t, [failed, other])).toEqual([true, true]);

  await crash(t, failed);
  t.expect(await soundRuns(t, [failed, other])).toEqual([false, true]);
  t.expect(await stoppedRuns(t)).toBe(1);
  {
    // The program that failed does not run either.
    await using _link = await failed.attach({ name: "failing" });
    const run = await t.guest.syscall("dup", 999);
    t.expect(run.exits).toEqual([]);
    t.expect(run).toReturn("EBADF");
    t.expect(await stoppedRuns(t)).toBe(2);
  }
  // There is no way back, but to load it again.
  const again = await sound(t);
  t.expect(await soundRuns(t, [failed, other, again])).toEqual([false, true, true]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("with 1 a program that shares a map goes on", async (t) => {
  await t.guest.writeFile(file, "1\n");
  const failed = await t.load(pair);
  const sharer = await sound(t, { maps: { RUNS: failed.map("RUNS") } });
  await crash(t, failed);
  t.expect(await soundRuns(t, [sharer])).toEqual([true]);
  t.expect(await stoppedRuns(t)).toBe(0);
});

rexTest("with 2 the programs that share a map stop as well, and no others", async (t) => {
  await t.guest.writeFile(file, "2\n");
  const failed = await t.load(pair);
  const sharer = await sound(t, { maps: { RUNS: failed.map("RUNS") } });
  const other = await sound(t);
  t.expect(await soundRuns(t, [sharer, other])).toEqual([true, true]);
  await crash(t, failed);
  t.expect(await soundRuns(t, [sharer, other])).toEqual([false, true]);
  t.expect(await stoppedRuns(t)).toBe(1);
  const messages = (await t.guest.log()).map((record) => record.text).join("\n");
  t.expect(messages).toMatch(/object pair is stopped: it shares a map with pair/);
  // One that is loaded after the crash is not stopped by it.
  const later = await sound(t, { maps: { RUNS: failed.map("RUNS") } });
  t.expect(await soundRuns(t, [later])).toEqual([true]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a program that was ended by its time limit is stopped too", async (t) => {
  await t.guest.writeFile(file, "1\n");
  await t.guest.writeFile("/proc/sys/kernel/rex_timeout_ms", "100\n");
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
    fn endless(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      loop {}
    }
  `);
  await using _link = await program.attach();
  t.expect(await t.guest.syscall("dup", 999)).toTimeOut();
  const run = await t.guest.syscall("dup", 999, { repeat: 5 });
  t.expect(run.exits).toEqual([]);
  t.expect(await stoppedRuns(t)).toBe(5);
});

rexTest("a policy that does not exist is refused", async (t) => {
  for (const value of ["3", "-1", "all"])
    await t.expect(t.guest.writeFile(file, `${value}\n`)).rejects.toThrow(/EINVAL|Invalid argument/);
  t.expect((await t.guest.readFile(file)).trim()).toBe("0");
});
