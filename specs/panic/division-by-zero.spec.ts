// SPDX-License-Identifier: MIT
// Promise: division by zero ends the program, not the kernel.
import { rex, rexTest } from "rex-test";

rexTest("division by zero exits gracefully", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "division" })`
  fn division(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    let zero = core::hint::black_box(0);
    Ok(84 / zero)
  }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({
    reason: "panic",
    program: "division",
    message: /attempt to divide by zero/,
    at: /main\.rs:4:/,
    frames: ["division", "rex_dispatcher_func"],
  });
  t.expect(run).toReturn("EBADF");
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
