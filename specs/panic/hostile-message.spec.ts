// SPDX-License-Identifier: MIT
// Promise: the message of a panic is data. However long or odd it is, it ends up in the record, cut where it must be.
import { rex, rexTest } from "rex-test";

rexTest("a panic message longer than its buffer is cut, not overrun", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "verbose" })`
    fn verbose(_: &kprobe, ctx: &mut PtRegs) -> Result {
      panic!("{:0>2000}", ctx.rdi() & 1)
    }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({ reason: "panic", message: /^0+$/ });
  const [exit] = run.exits;
  t.expect(exit?.message?.length).toBeGreaterThan(400);
  t.expect(exit?.message?.length).toBeLessThan(512);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("line breaks and non-ASCII text in a panic message come through", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "odd" })`
    fn odd(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      panic!("first\nsecond: {} \\ end", core::hint::black_box("grüße"))
    }
  `);
  await using _link = await program.attach();
  t.expect(await t.guest.syscall("dup", 999)).toExitGracefully({ message: "first\nsecond: grüße \\ end" });
});
