// SPDX-License-Identifier: MIT
// Promise: overflowing arithmetic ends the program, not the kernel.
import { rex, rexTest } from "rex-test";

rexTest("overflowing arithmetic exits gracefully", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "overflow" })`
  fn overflow(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    let most = core::hint::black_box(i32::MAX);
    Ok(most + 1)
  }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({
    reason: "panic",
    program: "overflow",
    message: /attempt to add with overflow/,
    at: /main\.rs:4:/,
    frames: ["overflow", "rex_dispatcher_func"],
  });
  t.expect(run).toReturn("EBADF");
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
