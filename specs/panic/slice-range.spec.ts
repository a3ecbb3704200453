// SPDX-License-Identifier: MIT
// Promise: a slice range out of bounds ends the program, not the kernel.
import { rex, rexTest } from "rex-test";

rexTest("a slice range out of bounds exits gracefully", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "slice_range" })`
  fn slice_range(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    let bytes = [0u8; 8];
    let end = core::hint::black_box(12);
    Ok(bytes[4..end].len() as i32)
  }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({
    reason: "panic",
    program: "slice_range",
    message: /range end index 12 out of range for slice of length 8/,
    at: /main\.rs:5:/,
    frames: ["slice_range", "rex_dispatcher_func"],
  });
  t.expect(run).toReturn("EBADF");
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
