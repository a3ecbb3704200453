// SPDX-License-Identifier: MIT
// Promise: an out-of-bounds index ends the program, not the kernel.
import { rex, rexTest } from "rex-test";

rexTest("an out-of-bounds index exits gracefully", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "oob" })`
  fn oob(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    let values = [1, 2, 3];
    let index = core::hint::black_box(7);
    Ok(values[index])
  }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({
    reason: "panic",
    program: "oob",
    message: /index out of bounds: the len is 3 but the index is 7/,
    at: /main\.rs:5:/,
    frames: ["oob", "rex_dispatcher_func"],
  });
  t.expect(run).toReturn("EBADF");
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
