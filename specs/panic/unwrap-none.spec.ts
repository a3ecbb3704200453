// SPDX-License-Identifier: MIT
// Promise: unwrap() on None ends the program, not the kernel.
import { rex, rexTest } from "rex-test";

rexTest("unwrap() on None exits gracefully", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "unwrap_none" })`
  fn unwrap_none(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    let nothing: Option<i32> = core::hint::black_box(None);
    Ok(nothing.unwrap())
  }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({
    reason: "panic",
    program: "unwrap_none",
    message: /called `Option::unwrap\(\)` on a `None` value/,
    at: /main\.rs:4:/,
    frames: ["unwrap_none", "rex_dispatcher_func"],
  });
  t.expect(run).toReturn("EBADF");
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
