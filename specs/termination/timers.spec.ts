// SPDX-License-Identifier: MIT
// Promise: CPUs are looked at while there is a program, and only then; a CPU that comes online later is looked at too.
import { type ExitRecord, rex, rexTest, type TestContext } from "rex-test";
import { expectArmed, expectNoneSoon } from "./armed.ts";
import { expectTimely, setLimits } from "./limits.ts";

const limits = { timeoutMs: 200, tickMs: 20 };

const endlessLoop = rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
  fn endless(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    loop {}
  }
`;

async function endOn(t: TestContext, cpu: number): Promise<ExitRecord | undefined> {
  const run = await t.guest.syscall("dup", 999, { cpu });
  t.expect(run).toExitGracefully({ reason: "timeout" });
  t.expect(run.exits[0]?.cpu).toBe(cpu);
  return run.exits[0];
}

rexTest("timers are armed while there are programs", { cpus: 2 }, async (t) => {
  await expectArmed(t, 0);
  const first = await t.load("hello");
  await expectArmed(t, 2);
  const second = await t.load("hello");
  await first.unload();
  await expectArmed(t, 2);
  await second.unload();
  await expectNoneSoon(t);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a CPU that went and came back is looked after", { cpus: 2 }, async (t) => {
  await setLimits(t, limits);
  const endless = await t.load(endlessLoop);
  await using _link = await endless.attach();
  expectTimely(t, await endOn(t, 1), limits);
  await t.guest.writeFile("/sys/devices/system/cpu/cpu1/online", "0\n");
  await expectArmed(t, 1);
  expectTimely(t, await endOn(t, 0), limits);
  await t.guest.writeFile("/sys/devices/system/cpu/cpu1/online", "1\n");
  await expectArmed(t, 2);
  for (const cpu of [1, 0]) expectTimely(t, await endOn(t, cpu), limits);
  await t.expect(t.guest).toBeHealthy();
});

rexTest(
  "a CPU that was not there at boot is looked after",
  { cpus: 2, kernelParameters: ["maxcpus=1"] },
  async (t) => {
    await setLimits(t, limits);
    const endless = await t.load(endlessLoop);
    await using _link = await endless.attach();
    expectTimely(t, await endOn(t, 0), limits);
    await t.guest.writeFile("/sys/devices/system/cpu/cpu1/online", "1\n");
    expectTimely(t, await endOn(t, 1), limits);
    await t.expect(t.guest).toBeHealthy();
  },
);
