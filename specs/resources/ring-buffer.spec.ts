// SPDX-License-Identifier: MIT
// Promise: a reservation in a ring buffer is submitted, or discarded by whatever happens otherwise. One that stayed open would keep
// readers from everything behind it.
import { i32, rex, rexTest, u32, u64 } from "rex-test";

rexTest("a record goes from a program to user space", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "writer" })`
    use core::fmt::Write;

    #[rex_map]
    static EVENTS: RexRingBuf = RexRingBuf::new(4096, 0);
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(4, 0);

    fn writer(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let fd = ctx.syscall_regs()?.args()[0];
      let mut bytes = EVENTS.reserve(8).ok_or(-1)?;
      bytes.copy_from_slice(&fd.to_le_bytes());
      bytes.submit(0);

      let mut text = EVENTS.reserve(10).ok_or(-2)?;
      let cut = write!(text, "{}-{fd}", "grüße").is_ok() && write!(text, "!").is_err();
      text.submit(0);

      EVENTS.output(b"whole", 0)?;
      EVENTS.reserve(100).ok_or(-3)?.discard(0);
      drop(EVENTS.reserve(100).ok_or(-4)?);

      let numbers = [EVENTS.size(), EVENTS.available_bytes(), EVENTS.producer_position() - EVENTS.consumer_position(), cut as u64];
      for (index, number) in numbers.iter().enumerate() {
        SEEN.insert(&(index as u32), number)?;
      }
      Ok(0)
    }
  `);
  const events = program.ringBuffer("EVENTS");
  t.expect(await events.read()).toEqual({ records: [], discarded: 0, busy: false });
  await using _link = await program.attach();
  t.expect((await t.guest.syscall("dup", 9)).exits).toEqual([]);
  const { records, discarded, busy } = await events.read();
  t.expect(records.map((record) => Buffer.from(record).toString("latin1"))).toEqual([
    "\t\0\0\0\0\0\0\0",
    Buffer.from("grüße-9!").toString("latin1"),
    "whole",
  ]);
  t.expect([discarded, busy]).toEqual([2, false]);
  const seen = (await program.map("SEEN", { key: u32, value: u64 }).entries()).map(([, value]) => value);
  // Each record with 8 bytes of header, padded to 8 bytes.
  const written = 16n + 24n + 16n + 112n + 112n;
  t.expect(seen).toEqual([4096n, written, written, 0n]);
  t.expect(await events.read()).toEqual({ records: [], discarded: 0, busy: false });
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("a reservation that a panic finds open is discarded", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "torn" })`
    #[rex_map]
    static EVENTS: RexRingBuf = RexRingBuf::new(4096, 0);

    fn torn(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let fd = ctx.syscall_regs()?.args()[0] as usize;
      let mut event = EVENTS.reserve(8).ok_or(-1)?;
      event[fd] = b'!';
      event[fd + 1..].fill(b'.');
      event[..fd].fill(b'.');
      event.submit(0);
      Ok(0)
    }
  `);
  const events = program.ringBuffer("EVENTS");
  await using _link = await program.attach();
  // Enough to go round the buffer more than once.
  const repeat = 40;
  for (let round = 0; round < 5; round++) {
    const run = await t.guest.syscall("dup", 8, { repeat, cpu: round % 2 });
    t.expect(run).toExitGracefully({ reason: "panic", message: /index out of bounds: the len is 8/ });
    t.expect(run.exits.map((exit) => exit.released)).toEqual(Array(repeat).fill(["ringbuf"]));
    t.expect((await t.guest.syscall("dup", 4, { repeat })).exits).toEqual([]);
    const { records, discarded, busy } = await events.read();
    t.expect(records.map((record) => Buffer.from(record).toString("latin1"))).toEqual(
      Array(repeat).fill("....!..."),
    );
    t.expect([discarded, busy]).toEqual([repeat, false]);
  }
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("a full ring buffer is None and an errno, and takes no place in the table", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "full" })`
    #[rex_map]
    static EVENTS: RexRingBuf = RexRingBuf::new(4096, 0);
    #[rex_map]
    static ERRNO: RexArrayMap<i32> = RexArrayMap::new(1, 0);

    fn full(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let all = EVENTS.reserve(4080).ok_or(-1)?;
      for _ in 0..100 {
        assert!(EVENTS.reserve(0).is_none());
      }
      let errno = EVENTS.output(b"x", 0).unwrap_err();
      all.discard(0);
      assert!(EVENTS.reserve(4088).is_none());
      assert!(EVENTS.reserve(usize::MAX).is_none());
      // Discarded, but not read yet: it still takes the room.
      assert!(EVENTS.reserve(0).is_none());
      ERRNO.insert(&0, &-errno)
    }
  `);
  await using _link = await program.attach();
  t.expect((await t.guest.syscall("dup", 9)).exits).toEqual([]);
  const { records, discarded } = await program.ringBuffer("EVENTS").read();
  t.expect([records, discarded]).toEqual([[], 1]);
  const eagain = 11;
  t.expect(await program.map("ERRNO", { key: u32, value: i32 }).get(0)).toBe(eagain);
  await t.expect(t.guest).toHoldNoResources();
});
