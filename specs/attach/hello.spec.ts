// SPDX-License-Identifier: MIT
// Promise: a Rex program on a kprobe runs when the function is called, and not after it was detached.
import { rex, rexTest } from "rex-test";

const hello = rex.kprobe({ function: "__x64_sys_dup", name: "hello" })`
  fn hello(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    rex_printk!("hello from a kprobe")
  }
`;

rexTest("hello on a kprobe prints to the trace pipe", async (t) => {
  const program = await t.load(hello);
  await using link = await program.attach();
  t.expect(link.target).toMatchObject({ kind: "kprobe", symbol: "__x64_sys_dup" });

  t.expect(await t.guest.syscall("dup", 1)).not.toExitGracefully();
  t.expect(await t.guest.traceRead()).toContain("hello from a kprobe");
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a detached program does not run", async (t) => {
  const program = await t.load(hello);
  await t.step("never attached", async () => {
    await t.guest.syscall("dup", 1);
    t.expect(await t.guest.traceRead()).not.toContain("hello");
  });
  await t.step("detached again", async () => {
    const link = await program.attach();
    await link.detach();
    await t.guest.syscall("dup", 1);
    t.expect(await t.guest.traceRead()).not.toContain("hello");
  });
});

rexTest("the hooked system call does what it always does", async (t) => {
  const before = await t.guest.syscall("dup", 999);
  t.expect(before).toReturn("EBADF");
  const program = await t.load(hello);
  await using _link = await program.attach();
  t.expect(await t.guest.syscall("dup", 999)).toReturn("EBADF");
});
