// SPDX-License-Identifier: MIT
// Promise: a tracepoint program gets the event's record as a typed struct.
import { i64, rex, rexTest, u32, u64 } from "rex-test";

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

rexTest("every context type has the fields of its event", async (t) => {
  const program = await t.load(rex.program("contexts")`
    #![no_std]
    #![no_main]
    use rex::map::RexArrayMap;
    use rex::tracepoint::*;
    use rex::{Result, rex_map, rex_tracepoint};

    #[rex_map]
    static SEEN: RexArrayMap<i64> = RexArrayMap::new(64, 0);

    fn note(first: u32, values: &[i64]) -> Result {
      for (key, value) in (first..).zip(values) {
        SEEN.insert(&key, value)?;
      }
      Ok(0)
    }

    // Only what the test calls: others open files, too.
    const MODE: i64 = 0o751;
    const ENOTDIR: i64 = 20;
    const EBADF: i64 = 9;

    #[rex_tracepoint]
    fn enter_open(_: &tracepoint<SyscallsEnterOpenCtx>, ctx: &'static SyscallsEnterOpenCtx) -> Result {
      if ctx.mode != MODE { return Ok(0); }
      note(0, &[ctx.syscall_nr.into(), ctx.filename_ptr, ctx.flags])
    }

    #[rex_tracepoint]
    fn exit_open(_: &tracepoint<SyscallsExitOpenCtx>, ctx: &'static SyscallsExitOpenCtx) -> Result {
      if ctx.ret != -ENOTDIR { return Ok(0); }
      note(10, &[ctx.syscall_nr.into()])
    }

    #[rex_tracepoint]
    fn enter_openat(_: &tracepoint<SyscallsEnterOpenatCtx>, ctx: &'static SyscallsEnterOpenatCtx) -> Result {
      if ctx.mode != MODE { return Ok(0); }
      note(20, &[ctx.syscall_nr.into(), ctx.dfd, ctx.filename_ptr, ctx.flags])
    }

    #[rex_tracepoint]
    fn exit_openat(_: &tracepoint<SyscallsExitOpenatCtx>, ctx: &'static SyscallsExitOpenatCtx) -> Result {
      if ctx.ret != -EBADF { return Ok(0); }
      note(30, &[ctx.syscall_nr.into()])
    }

    #[rex_tracepoint]
    fn enter(_: &tracepoint<RawSyscallsEnterCtx>, ctx: &'static RawSyscallsEnterCtx) -> Result {
      if ctx.id != 257 || ctx.args[3] != MODE as u64 { return Ok(0); }
      note(40, &[ctx.id, ctx.args[0] as i64, ctx.args[1] as i64, ctx.args[2] as i64])
    }

    #[rex_tracepoint]
    fn exit(_: &tracepoint<RawSyscallsExitCtx>, ctx: &'static RawSyscallsExitCtx) -> Result {
      if ctx.id != 257 || ctx.ret != -EBADF { return Ok(0); }
      note(50, &[ctx.id, ctx.ret])
    }
  `);
  const targets = await Promise.all(
    program.programs.map(async ({ name }) => [name, (await program.attach({ name })).target] as const),
  );
  const at = (category: string, name: string) => ({ kind: "tracepoint", category, name });
  t.expect(Object.fromEntries(targets)).toEqual({
    enter_open: at("syscalls", "sys_enter_open"),
    exit_open: at("syscalls", "sys_exit_open"),
    enter_openat: at("syscalls", "sys_enter_openat"),
    exit_openat: at("syscalls", "sys_exit_openat"),
    enter: at("raw_syscalls", "sys_enter"),
    exit: at("raw_syscalls", "sys_exit"),
  });

  const flags = 0o2000101; // O_CLOEXEC | O_CREAT | O_WRONLY
  t.expect(await t.guest.syscall("open", "/proc/version/x", flags, 0o751)).toReturn("ENOTDIR");
  t.expect(await t.guest.syscall("openat", 4242, "x", flags, 0o751)).toReturn("EBADF");

  const entries = await program.map("SEEN", { key: u32, value: i64 }).entries();
  const seen = (first: number, count: number) =>
    entries.slice(first, first + count).map(([, value]) => value);
  const wanted = BigInt(flags);
  const [openPath = 0n, openatPath = 0n] = [seen(1, 1)[0], seen(22, 1)[0]];
  t.expect(openPath, "the path of open()").toBeGreaterThan(0n);
  t.expect(openatPath, "the path of openat()").toBeGreaterThan(0n);
  t.expect(seen(0, 3)).toEqual([2n, openPath, wanted]); // __NR_open
  t.expect(seen(10, 1)).toEqual([2n]);
  t.expect(seen(20, 4)).toEqual([257n, 4242n, openatPath, wanted]); // __NR_openat
  t.expect(seen(30, 1)).toEqual([257n]);
  t.expect(seen(40, 4)).toEqual([257n, 4242n, openatPath, wanted]);
  t.expect(seen(50, 2)).toEqual([257n, -9n]);
});
