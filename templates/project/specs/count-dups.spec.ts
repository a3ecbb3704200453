// A program with a project of its own, fixtures/programs/count-dups.
import { rexTest, u32, u64 } from "rex-test";

rexTest("each call of dup is counted", async (t) => {
  const program = await t.load("count-dups");
  await using _link = await program.attach();
  await t.guest.syscall("dup", 1000, { repeat: 3 });
  const calls = program.map("CALLS", { key: u32, value: u64 });
  t.expect(await calls.get(0)).toBe(3n);
});
