// SPDX-License-Identifier: MIT
// Promise: an explicit panic! ends the program, not the kernel.
import { rex, rexTest } from "rex-test";

rexTest("an explicit panic! exits gracefully", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "explicit" })`
  fn explicit(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    let who = core::hint::black_box("dup");
    panic!("refusing to go on with {who}")
  }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({
    reason: "panic",
    program: "explicit",
    message: /refusing to go on with dup/,
    at: /main\.rs:4:/,
    frames: ["explicit", "rex_dispatcher_func"],
  });
  t.expect(run).toReturn("EBADF");
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
