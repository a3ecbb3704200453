// SPDX-License-Identifier: MIT
// Promise: a program that acquires more than can be recorded is ended before the acquisition, and what it held is released.
import { rex, rexTest, u32, u64 } from "rex-test";
import { expectNoSlabGrowth } from "./slabs.ts";

const most = 32;

rexTest("the 33rd acquisition ends the program and leaks nothing", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "greedy" })`
    use rex::task_struct::OwnedTaskStruct;

    #[rex_map]
    static HELD: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn greedy(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let me = program.bpf_get_current_task().ok_or(-1)?.get_pid();
      let mut tasks: [Option<OwnedTaskStruct>; 64] = [const { None }; 64];
      for (index, task) in tasks.iter_mut().enumerate() {
        *task = OwnedTaskStruct::from_pid(me);
        HELD.insert(&0, &(index as u64 + 1))?;
      }
      Ok(0)
    }
  `);
  const held = program.map("HELD", { key: u32, value: u64 });
  await using _link = await program.attach();
  await expectNoSlabGrowth(t, 32, async () => {
    const run = await t.guest.syscall("dup", 999);
    t.expect(run).toExitGracefully({
      reason: "resources",
      message: "more than 32 resources held at once",
      frames: ["greedy", "rex_dispatcher_func"],
    });
    t.expect(run.exits[0]?.released).toEqual(Array(most).fill("task"));
    t.expect(run).toReturn("EBADF");
    t.expect(await held.get(0)).toBe(BigInt(most));
  });
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("a full table has room again after a release", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "recycler" })`
    use rex::task_struct::OwnedTaskStruct;

    fn recycler(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let me = program.bpf_get_current_task().ok_or(-1)?.get_pid();
      let mut tasks: [Option<OwnedTaskStruct>; ${most}] = core::array::from_fn(|_| OwnedTaskStruct::from_pid(me));
      for round in 0..1000 {
        // From anywhere in the table.
        tasks[round * 7 % ${most}] = None;
        tasks[round * 7 % ${most}] = OwnedTaskStruct::from_pid(me);
      }
      match tasks.iter().flatten().count() {
        ${most} => Ok(0),
        held => panic!("{held} of ${most}"),
      }
    }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run.exits).toEqual([]);
  await t.expect(t.guest).toHoldNoResources();
});
