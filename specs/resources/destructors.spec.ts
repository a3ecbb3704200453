// SPDX-License-Identifier: MIT
// Promise: a panic runs no destructor of the program. What has to be released is released by the runtime, and nothing else happens.
import { rex, rexTest, u32, u64 } from "rex-test";

rexTest("no destructor of a program runs after it has panicked", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "dropper" })`
    use rex::task_struct::OwnedTaskStruct;

    #[rex_map]
    static DROPS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    struct Noisy(Option<OwnedTaskStruct>);

    impl Drop for Noisy {
      fn drop(&mut self) {
        if let Some(mut drops) = DROPS.get_mut(&0) {
          drops.fetch_add(1);
        }
      }
    }

    fn dropper(program: &kprobe, ctx: &mut PtRegs) -> Result {
      let me = program.bpf_get_current_task().ok_or(-1)?.get_pid();
      let noisy = Noisy(OwnedTaskStruct::from_pid(me));
      if ctx.syscall_regs()?.args()[0] == 999 {
        panic!("with {}", noisy.0.is_some());
      }
      Ok(0)
    }
  `);
  const drops = program.map("DROPS", { key: u32, value: u64 });
  await using _link = await program.attach();
  await t.guest.syscall("dup", 998);
  t.expect(await drops.get(0), "after a return").toBe(1n);
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({ reason: "panic", message: "with true" });
  t.expect(run.exits[0]?.released).toEqual(["task"]);
  t.expect(await drops.get(0), "after a panic").toBe(1n);
  await t.expect(t.guest).toHoldNoResources();
});
