// SPDX-License-Identifier: MIT
// Promise: what a program outputs to a perf event array arrives whole, in order, in the buffer of the CPU it names.
import { bytes, i64, rex, rexTest, u32, u64 } from "rex-test";

const source = rex.kprobe({ function: "__x64_sys_dup", name: "events" })`
  use rex::utils::PerfEventMaskedCPU;
  #[rex_map]
  static EVENTS: RexPerfEventArray<u64> = RexPerfEventArray::new(2, 0);
  #[rex_map]
  static RESULT: RexArrayMap<i64> = RexArrayMap::new(1, 0);

  fn events(program: &kprobe, ctx: &mut PtRegs) -> Result {
    let [fd, cpu, ..] = ctx.syscall_regs()?.args();
    let cpu = match cpu {
      100 => PerfEventMaskedCPU::current_cpu(),
      cpu => PerfEventMaskedCPU::any_cpu(cpu),
    };
    let result = EVENTS.output(program, ctx, &fd, cpu).unwrap_or_else(|errno| errno);
    RESULT.insert(&0, &i64::from(result))
  }
`;

rexTest("events arrive in order in the buffer of the CPU", { cpus: 2 }, async (t) => {
  const program = await t.load(source);
  const events = await program.perfEvents("EVENTS", u64);
  await using _link = await program.attach();
  for (const [fd, cpu] of [
    [4001, 0],
    [4002, 1],
    [4003, 0],
  ] as const) {
    await t.guest.syscall("dup", fd, 100, { cpu });
  }
  await t.guest.syscall("dup", 4004, 1, { cpu: 1 });
  t.expect(await program.map("RESULT", { key: u32, value: i64 }).get(0)).toBe(0n);
  t.expect(await events.read()).toEqual({
    events: [
      { cpu: 0, value: 4001n },
      { cpu: 0, value: 4003n },
      { cpu: 1, value: 4002n },
      { cpu: 1, value: 4004n },
    ],
    lost: 0,
  });
  t.expect((await events.read()).events).toEqual([]);
});

rexTest(
  "an event without a buffer, or for another CPU's, is an error that the program sees",
  { cpus: 2 },
  async (t) => {
    const program = await t.load(source);
    await using _link = await program.attach();
    const result = program.map("RESULT", { key: u32, value: i64 });
    await t.guest.syscall("dup", 4001, 100);
    const enoent = -2n;
    t.expect(await result.get(0), "nobody has opened a buffer").toBe(enoent);
    const events = await program.perfEvents("EVENTS", u64);
    await t.guest.syscall("dup", 4001, 1, { cpu: 0 });
    const eopnotsupp = -95n;
    t.expect(await result.get(0), "CPU 1's buffer from CPU 0").toBe(eopnotsupp);
    await t.guest.syscall("dup", 4001, 7, { cpu: 0 });
    const e2big = -7n;
    t.expect(await result.get(0), "a CPU that the map has no entry for").toBe(e2big);
    t.expect((await events.read()).events).toEqual([]);
  },
);

rexTest("a struct goes through as it is, and from a tracepoint too", async (t) => {
  const program = await t.load(rex.tracepoint({ context: "SyscallsEnterDupCtx", name: "wide_event" })`
    use rex::utils::PerfEventMaskedCPU;
    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Event { fd: u64, text: [u8; 20], number: u32 }
    #[rex_map]
    static EVENTS: RexPerfEventArray<Event> = RexPerfEventArray::new(1, 0);

    fn wide_event(program: &tracepoint<Ctx>, ctx: &'static Ctx) -> Result {
      let event = Event { fd: ctx.fildes, text: *b"twenty bytes of text", number: 0x01020304 };
      EVENTS.output(program, ctx, &event, PerfEventMaskedCPU::current_cpu())
    }
  `);
  const events = await program.perfEvents("EVENTS", bytes);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 4242);
  const { events: seen } = await events.read();
  t.expect(seen.length).toBe(1);
  const data = Buffer.from(seen[0]?.value ?? []);
  t.expect(data.readBigUInt64LE(0)).toBe(4242n);
  t.expect(data.subarray(8, 28).toString()).toBe("twenty bytes of text");
  t.expect(data.readUInt32LE(28)).toBe(0x01020304);
});
