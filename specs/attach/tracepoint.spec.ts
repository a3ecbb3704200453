// SPDX-License-Identifier: MIT
// Promise: a tracepoint program gets the event's record as a typed struct.
import { rex, rexTest, u32, u64 } from "rex-test";

rexTest("a tracepoint program reads the fields of its event", async (t) => {
  const program = await t.load(rex.tracepoint({ context: "SyscallsEnterDupCtx", name: "seen" })`
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn seen(_: &tracepoint<Ctx>, ctx: &'static Ctx) -> Result {
      SEEN.insert(&0, &(ctx.syscall_nr as u64))?;
      SEEN.insert(&1, &ctx.fildes)
    }
  `);
  await using link = await program.attach();
  t.expect(link.target).toEqual({ kind: "tracepoint", category: "syscalls", name: "sys_enter_dup" });

  t.expect(await t.guest.syscall("dup", 4242)).toReturn("EBADF");
  const seen = program.map("SEEN", { key: u32, value: u64 });
  t.expect(await seen.entries()).toEqual([
    [0, 32n], // __NR_dup
    [1, 4242n],
  ]);
});

rexTest("a panic in a tracepoint program is a graceful exit too", async (t) => {
  const program = await t.load(rex.tracepoint({ context: "SyscallsEnterDupCtx", name: "tp_panic" })`
    fn tp_panic(_: &tracepoint<Ctx>, ctx: &'static Ctx) -> Result {
      assert!(ctx.fildes != 4242, "descriptor {} is not welcome", ctx.fildes);
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 4242);
  t.expect(run).toExitGracefully({
    reason: "panic",
    message: "descriptor 4242 is not welcome",
    program: "tp_panic",
  });
  t.expect(run).toReturn("EBADF");
  await t.expect(t.guest).toBeHealthy();
});
