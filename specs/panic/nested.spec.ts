// SPDX-License-Identifier: MIT
// Promise: a panic while the message of a panic is formatted ends the program at once. The kernel is entered twice, the landing
// pad is left once, and the next run of the program starts from a clean state.
import { rex, rexTest } from "rex-test";

rexTest("a panic in the Display of a panic's argument exits gracefully", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "nested" })`
    struct Bomb;

    impl core::fmt::Display for Bomb {
      fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        panic!("the message itself")
      }
    }

    fn nested(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      panic!("before {}", Bomb)
    }
  `);
  await using _link = await program.attach();
  for (let round = 0; round < 3; round++) {
    const run = await t.guest.syscall("dup", 999);
    t.expect(run).toExitGracefully({
      reason: "nested_panic",
      message: /while the message of a panic was formatted/,
    });
    t.expect(run).toReturn("EBADF");
    t.expect(run.exits).toHaveLength(1);
  }
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
