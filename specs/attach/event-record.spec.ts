// SPDX-License-Identifier: MIT
// Promise: a program on any tracepoint reaches the bytes of the event's record by their offsets, none beyond those it declared, and is
// attached only where the record has so many.
import { bytes, i64, rex, rexTest, u32, u64 } from "rex-test";
import { answerTo } from "./ebpf.ts";

const sysEnterDup = { kind: "tracepoint", category: "syscalls", name: "sys_enter_dup" } as const;

/** Offsets and sizes of the fields that tracefs says an event has. */
function fieldsOf(format: string): ReadonlyMap<string, { readonly offset: number; readonly size: number }> {
  const line = /field:[^;]*?(\w+)(?:\[\w*\])?;\s*offset:(\d+);\s*size:(\d+);/g;
  return new Map(
    [...format.matchAll(line)].map(([, name = "", offset, size]) => [
      name,
      { offset: Number(offset), size: Number(size) },
    ]),
  );
}

rexTest("fields of a tracepoint that has no type of its own", async (t) => {
  const fields = fieldsOf(
    await t.guest.readFile("/sys/kernel/tracing/events/sched/sched_process_exit/format"),
  );
  t.expect(fields.get("pid"), "the program below is for this layout").toEqual({ offset: 24, size: 4 });
  const program = await t.load(rex.tracepoint({
    context: "EventRecord<28>",
    event: "sched/sched_process_exit",
    name: "exits",
  })`
    #[rex_map]
    static SEEN: RexArrayMap<[u8; 16]> = RexArrayMap::new(2, 0);

    fn exits(program: &tracepoint<Ctx>, record: &'static Ctx) -> Result {
      if !record.bytes(8, 16).starts_with(b"trigger") {
        return Ok(0);
      }
      // It is the current thread that exits.
      let same = record.field::<u32>(24) == program.bpf_get_current_pid_tgid() as u32;
      SEEN.insert(&0, &record.field(8))?;
      SEEN.insert(&1, &[same as u8; 16])
    }
  `);
  await using link = await program.attach();
  t.expect(link.target).toEqual({ kind: "tracepoint", category: "sched", name: "sched_process_exit" });
  await t.guest.syscall("dup", 999);
  const seen = program.map("SEEN", { key: u32, value: bytes });
  const name = async () => Buffer.from((await seen.get(0)) ?? []).toString("latin1", 0, 7);
  await t.expect.poll(name).toBe("trigger");
  t.expect((await seen.get(1))?.[0], "the thread id").toBe(1);
});

rexTest("a text behind the record, by its data_loc", async (t) => {
  const format = await t.guest.readFile("/sys/kernel/tracing/events/sched/sched_process_exec/format");
  t.expect(fieldsOf(format).get("filename")).toEqual({ offset: 8, size: 4 });
  const program = await t.load(rex.tracepoint({
    context: "EventRecord<20>",
    event: "sched/sched_process_exec",
    name: "execs",
  })`
    #[rex_map]
    static SEEN: RexArrayMap<[u8; 32]> = RexArrayMap::new(2, 0);

    fn execs(_: &tracepoint<Ctx>, record: &'static Ctx) -> Result {
      let mut name = [0; 32];
      let whole = record.data_loc(8, &mut name)?;
      let mut first = [0; 32];
      let part = record.data_loc(8, &mut first[1..4])?;
      first[0] = (whole * 16 + part) as u8;
      SEEN.insert(&0, &name)?;
      SEEN.insert(&1, &first)
    }
  `);
  await using _link = await program.attach();
  await t.guest.exec(["/init", "no-such-part"], { root: "guest" });
  const seen = program.map("SEEN", { key: u32, value: bytes });
  const whole = Buffer.from((await seen.get(0)) ?? []);
  t.expect(whole.toString("latin1").replaceAll("\0", "")).toBe("/init");
  const part = Buffer.from((await seen.get(1)) ?? []);
  t.expect(part[0]).toBe(6 * 16 + 3); // with the NUL
  t.expect(part.toString("latin1", 1, 5)).toBe("/in\0");
});

rexTest("arguments of a system call, unaligned reads, and what is beyond", async (t) => {
  const program = await t.load(rex.tracepoint({ context: "EventRecord<24>", name: "raw" })`
    #[rex_map]
    static SEEN: RexArrayMap<i64> = RexArrayMap::new(3, 0);

    fn raw(_: &tracepoint<Ctx>, record: &'static Ctx) -> Result {
      let argument = record.field::<i64>(16);
      SEEN.insert(&0, &record.field::<i32>(8).into())?;
      SEEN.insert(&1, &argument)?;
      SEEN.insert(&2, &record.field::<u16>(17).into())?;
      match argument {
        1001 => record.field::<i64>(17),
        1002 => record.field::<u8>(7).into(),
        1003 => record.field::<u8>(24).into(),
        1004 => record.bytes(usize::MAX, 2)[0].into(),
        1005 => record.bytes(8, usize::MAX)[0].into(),
        _ => 0,
      };
      Ok(0)
    }
  `);
  await t.expect(program.attach()).rejects.toThrow(/has no default target/);
  await using _link = await program.attach({ target: sysEnterDup });
  t.expect((await t.guest.syscall("dup", 0x12345)).exits).toEqual([]);
  const seen = await program.map("SEEN", { key: u32, value: i64 }).entries();
  t.expect(seen.map(([, value]) => value)).toEqual([32n, 0x12345n, 0x123n]);

  for (const [argument, message] of [
    [1001, /range end index 8 out of range for slice of length 7/],
    [1002, /the fields of a record begin at 8, not at 7/],
    [1003, /range end index 1 out of range for slice of length 0/],
    [1004, /out of range for slice of length 24/],
    [1005, /out of range for slice of length 16/],
  ] as const) {
    const run = await t.guest.syscall("dup", argument);
    t.expect(run, String(argument)).toExitGracefully({ reason: "panic", message, program: "raw" });
    t.expect(run).toReturn("EBADF");
  }
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a program that declares more than a record has is not attached", async (t) => {
  const program = await t.load(rex.tracepoint({ context: "EventRecord<25>", name: "greedy" })`
    fn greedy(_: &tracepoint<Ctx>, _record: &'static Ctx) -> Result { Ok(0) }
  `);
  // The number and one argument of 8 bytes.
  t.expect(await answerTo(program.attach({ target: sysEnterDup }))).toBe("EACCES");
  // One more argument: there it may.
  const link = await program.attach({ target: { ...sysEnterDup, name: "sys_enter_dup2" } });
  await link.detach();
  await t.expect(t.guest).toBeHealthy();
});

rexTest("no tracepoint has a record larger than a page", async (t) => {
  const program = t.load(rex.tracepoint({ context: "EventRecord<4097>", name: "huge" })`
    fn huge(_: &tracepoint<Ctx>, _record: &'static Ctx) -> Result { Ok(0) }
  `);
  await t.expect(program).toBeRejectedByLoader(/reads 4097 bytes of context, its type has 4096/);
});

rexTest("a typed context names its tracepoint itself", async (t) => {
  const compiled = t.compile(rex.tracepoint({
    context: "SyscallsEnterDupCtx",
    event: "sched/sched_switch",
    name: "twice",
  })`
    fn twice(_: &tracepoint<Ctx>, _record: &'static Ctx) -> Result { Ok(0) }
  `);
  await t.expect(compiled).toBeRejectedByCompiler(/leave `event` out/);
});

rexTest("each run gets its own record", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.tracepoint({ context: "EventRecord<24>", name: "sums" })`
    #[rex_map]
    static SUM: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn sums(_: &tracepoint<Ctx>, record: &'static Ctx) -> Result {
      let argument = record.field::<u64>(16);
      if argument >= 1000 {
        SUM.get_mut(&0).ok_or(-1)?.fetch_add(argument);
        SUM.get_mut(&1).ok_or(-1)?.fetch_add(1);
      }
      Ok(0)
    }
  `);
  await using _link = await program.attach({ target: sysEnterDup });
  const repeat = 2_000;
  await t.guest.trigger([
    { syscall: "dup", args: [1000], cpu: 0, repeat },
    { syscall: "dup", args: [5000], cpu: 1, repeat },
  ]);
  const sum = program.map("SUM", { key: u32, value: u64 });
  t.expect(await sum.get(1)).toBe(BigInt(2 * repeat));
  t.expect(await sum.get(0)).toBe(BigInt(6000 * repeat));
});
