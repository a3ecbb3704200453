// SPDX-License-Identifier: MIT
// Promise: a reference on a task is given back when its guard goes out of scope, and by the runtime when the program ends before.
// A reference that is not given back keeps a task_struct for ever, so the kernel's own count of those is what is looked at.
import { i32, rex, rexTest, u32, u64 } from "rex-test";
import { expectNoSlabGrowth } from "./slabs.ts";

const rounds = 40;

rexTest("a task reference held by a program that panics is released", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "holder" })`
    use rex::task_struct::OwnedTaskStruct;

    fn holder(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let me = program.bpf_get_current_task().ok_or(-1)?.get_pid();
      let task = OwnedTaskStruct::from_pid(me).ok_or(-2)?;
      panic!("holding {}", task.get_pid() == me)
    }
  `);
  await using _link = await program.attach();
  // Each call is made by a thread of its own, which exits afterwards.
  await expectNoSlabGrowth(t, rounds, async () => {
    const run = await t.guest.syscall("dup", 999);
    t.expect(run).toExitGracefully({ reason: "panic", message: "holding true" });
    t.expect(run.exits[0]?.released).toEqual(["task"]);
    t.expect(run).toReturn("EBADF");
  });
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("a task reference is given back when its guard goes out of scope", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "scoped" })`
    use rex::task_struct::OwnedTaskStruct;

    #[rex_map]
    static SEEN: RexArrayMap<i32> = RexArrayMap::new(2, 0);

    fn scoped(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let me = program.bpf_get_current_task().ok_or(-1)?;
      let first = OwnedTaskStruct::from_pid(me.get_pid()).ok_or(-2)?;
      let second = OwnedTaskStruct::from_pid(me.get_pid()).ok_or(-3)?;
      // Not the order in which they were acquired.
      drop(first);
      SEEN.insert(&0, &(second.get_pid() - me.get_pid()))?;
      SEEN.insert(&1, &((second.get_comm() == me.get_comm()) as i32))
    }
  `);
  const seen = program.map("SEEN", { key: u32, value: i32 });
  await seen.set(0, -1);
  await using _link = await program.attach();
  await expectNoSlabGrowth(t, rounds, async () => {
    t.expect((await t.guest.syscall("dup", 999)).exits).toEqual([]);
  });
  t.expect(await seen.get(0)).toBe(0);
  t.expect(await seen.get(1)).toBe(1);
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("a reference on a task that does not exist is None", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "nobody" })`
    use rex::task_struct::OwnedTaskStruct;

    #[rex_map]
    static MISSING: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn nobody(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let mut missing = MISSING.get_mut(&0).ok_or(-1)?;
      // Failed acquisitions take no place in the table of what is held.
      for _ in 0..50 {
        for pid in [0, -1, i32::MAX, i32::MIN] {
          *missing += OwnedTaskStruct::from_pid(pid).is_none() as u64;
        }
      }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  t.expect((await t.guest.syscall("dup", 999)).exits).toEqual([]);
  t.expect(await program.map("MISSING", { key: u32, value: u64 }).get(0)).toBe(200n);
});
