// SPDX-License-Identifier: MIT
// Promise: a program that a trap ends keeps nothing either, not even a lock with interrupts off.
import { rex, rexTest, u32, u64 } from "rex-test";
import { instructions } from "../faults/altered.ts";
import { ElfEditor } from "../loader/elf.ts";

const holder = rex.kprobe({ function: "__x64_sys_dup", name: "holder" })`
  use rex::spinlock::bpf_spin_lock;
  use rex::task_struct::OwnedTaskStruct;

  #[repr(C)]
  #[derive(Clone, Copy)]
  struct Entry { lock: bpf_spin_lock, calls: u32 }

  #[rex_map(lock = "lock")]
  static ENTRIES: RexArrayMap<Entry> = RexArrayMap::new(1, 0);
  #[rex_map]
  static EVENTS: RexRingBuf = RexRingBuf::new(4096, 0);
  #[rex_map]
  static CALLS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

  #[inline(never)]
  fn trap(calls: u32) -> u32 {
    core::hint::black_box(calls + 1000)
  }

  fn holder(program: &kprobe, ctx: &mut PtRegs) -> Result {
    let fd = ctx.syscall_regs()?.args()[0];
    let me = program.bpf_get_current_task().ok_or(-1)?.get_pid();
    let _task = OwnedTaskStruct::from_pid(me);
    let _event = EVENTS.reserve(8);
    let mut entry = ENTRIES.lock(&0).ok_or(-2)?;
    entry.calls += 1;
    if fd == 999 {
      entry.calls = trap(entry.calls);
    }
    let calls = entry.calls;
    entry.unlock();
    CALLS.insert(&0, &calls.into())
  }
`;

rexTest("a trap under a lock releases everything in reverse order", { cpus: 2 }, async (t) => {
  const elf = new ElfEditor((await t.compile(holder)).object);
  elf.write(elf.functionNamed("holder::trap"), instructions.ud2);
  const program = await t.load(rex.object("holder", elf.bytes));
  await using _link = await program.attach();
  const rounds = 5;
  for (let round = 1; round <= rounds; round++) {
    const run = await t.guest.syscall("dup", 999, { cpu: round % 2 });
    t.expect(run).toExitGracefully({ reason: "fault", message: /#UD/ });
    t.expect(run.exits[0]?.released).toEqual(["spin_lock", "ringbuf", "task"]);
    t.expect(run).toReturn("EBADF");
    // The other CPU has the lock at once, and finds the value as it was before the trap.
    t.expect((await t.guest.syscall("dup", 998, { cpu: (round + 1) % 2 })).exits).toEqual([]);
    t.expect(await program.map("CALLS", { key: u32, value: u64 }).get(0)).toBe(BigInt(round));
  }
  t.expect(await program.ringBuffer("EVENTS").read()).toEqual({
    records: [],
    discarded: 2 * rounds,
    busy: false,
  });
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
