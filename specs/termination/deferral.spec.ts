// SPDX-License-Identifier: MIT
// Promise: a program that spends its time in helpers is ended when the helper returns that it is in at the tick, not at some later
// tick that happens to find it in its own code.
import { rex, rexTest } from "rex-test";
import { expectTimely, setLimits } from "./limits.ts";

const limits = { timeoutMs: 300, tickMs: 150 };

rexTest("a program that is always in a helper is ended at its return", async (t) => {
  await setLimits(t, limits);
  // Formatting and queueing the line takes the kernel a hundred times as long as the rest of the loop.
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "busy" })`
    fn busy(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      loop {
        rex_printk!("${"a long line ".repeat(40)}")?;
      }
    }
  `);
  await using _link = await program.attach();
  for (let round = 0; round < 4; round++) {
    const run = await t.guest.syscall("dup", 999);
    t.expect(run).toExitGracefully({ reason: "timeout", frames: [/busy/, /do_syscall_64/] });
    t.expect(run).toReturn("EBADF");
    expectTimely(t, run.exits[0], limits);
  }
  await t.expect(t.guest).toBeHealthy();
});
