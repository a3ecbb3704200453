// SPDX-License-Identifier: MIT
// Promise: what a program still holds when it returns is released, logged and counted. No program that cargo rex builds can do
// that: its guards release. So a built one is changed afterwards: its release of the reference calls something else.
import { rex, rexTest } from "rex-test";
import { ElfEditor } from "../loader/elf.ts";
import { expectNoSlabGrowth } from "./slabs.ts";

const forgetful = rex.kprobe({ function: "__x64_sys_dup", name: "forgetful" })`
  use rex::task_struct::OwnedTaskStruct;

  fn forgetful(program: &kprobe, _ctx: &mut PtRegs) -> Result {
    let me = program.bpf_get_current_task().ok_or(-1)?.get_pid();
    let tasks = [OwnedTaskStruct::from_pid(me), OwnedTaskStruct::from_pid(me)];
    Ok(tasks.len() as i32 + program.bpf_get_smp_processor_id())
  }
`;

rexTest("what is left at a normal return is released", { sanitizeResources: false }, async (t) => {
  const { object } = await t.compile(forgetful);
  const changed = new ElfEditor(object).redirectImport("rex_task_release", "rex_get_smp_processor_id");
  const program = await t.load(rex.object("forgetful", changed.bytes));
  await using _link = await program.attach();
  let runs = 0;
  await expectNoSlabGrowth(t, 60, async () => {
    t.expect((await t.guest.syscall("dup", 999)).exits).toEqual([]);
    runs++;
  });
  const { rexStats } = await t.guest.inventory();
  t.expect(rexStats?.["unreleased"]).toBe(2 * runs);
  const log = await t.guest.log();
  t.expect(log.map(({ text }) => text)).toContainEqual(
    t.expect.stringMatching(/program forgetful .* returned with 2 resources held.*: released/),
  );
  await t.expect(t.guest).toBeHealthy();
});
