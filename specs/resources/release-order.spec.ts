// SPDX-License-Identifier: MIT
// Promise: what a program holds when it panics is released in the reverse order of acquisition, and what it acquires while the
// message is formatted is released too. The exit record has the kinds in the order of their release.
import { rex, rexTest } from "rex-test";

rexTest("resources are released in reverse order of acquisition", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "ordered" })`
    use rex::task_struct::OwnedTaskStruct;

    #[rex_map]
    static EVENTS: RexRingBuf = RexRingBuf::new(4096, 0);

    fn ordered(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let me = program.bpf_get_current_task().ok_or(-1)?.get_pid();
      let _first = OwnedTaskStruct::from_pid(me);
      let gone = EVENTS.reserve(8);
      let _second = EVENTS.reserve(8);
      let _third = EVENTS.reserve(8);
      let _fourth = OwnedTaskStruct::from_pid(me);
      // Closes a gap in the middle; the order of the others stays.
      drop(gone);
      let _fifth = OwnedTaskStruct::from_pid(me);
      panic!("in order")
    }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({ reason: "panic", message: "in order" });
  t.expect(run.exits[0]?.released).toEqual(["task", "task", "ringbuf", "ringbuf", "task"]);
  t.expect(await program.ringBuffer("EVENTS").read()).toEqual({ records: [], discarded: 3, busy: false });
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("what is acquired while a panic message is formatted is released too", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "late" })`
    use rex::task_struct::OwnedTaskStruct;

    #[rex_map]
    static EVENTS: RexRingBuf = RexRingBuf::new(4096, 0);

    struct Greedy;

    impl core::fmt::Display for Greedy {
      fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let event = EVENTS.reserve(8);
        panic!("{}", event.is_some())
      }
    }

    fn late(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let me = program.bpf_get_current_task().ok_or(-1)?.get_pid();
      let _task = OwnedTaskStruct::from_pid(me);
      panic!("{Greedy}")
    }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({ reason: "nested_panic" });
  t.expect(run.exits[0]?.released).toEqual(["task", "ringbuf"]);
  t.expect(await program.ringBuffer("EVENTS").read()).toEqual({ records: [], discarded: 1, busy: false });
  await t.expect(t.guest).toHoldNoResources();
});
