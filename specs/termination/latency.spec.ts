// SPDX-License-Identifier: MIT
// Promise: a program is ended at most one tick after its limit. Single runs may be late because the host was busy; most are not.
import { rex, rexTest } from "rex-test";
import { setLimits } from "./limits.ts";

const timeoutMs = 300;
const tickMs = 10;
const rounds = 9;
/** What it takes from the tick to the exit record, emulated. */
const exitMs = 25;

rexTest("a program is ended within its limit and one tick", async (t) => {
  await setLimits(t, { timeoutMs, tickMs });
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
    fn endless(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      loop {}
    }
  `);
  await using _link = await program.attach();
  const ranMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const run = await t.guest.syscall("dup", 999);
    t.expect(run).toExitGracefully({ reason: "timeout" });
    ranMs.push(Number(run.exits[0]?.durationNs) / 1e6);
  }
  ranMs.sort((a, b) => a - b);
  t.expect(ranMs[0]).toBeGreaterThanOrEqual(timeoutMs);
  t.expect(ranMs[Math.floor(rounds / 2)]).toBeLessThan(timeoutMs + tickMs + exitMs * t.kernel.slowness.time);
});
