// SPDX-License-Identifier: MIT
// Promise: a kprobe program that is attached to a function's return runs there, with the registers as they are then.
import { i64, rex, rexTest, u32 } from "rex-test";

const target = { kind: "kprobe", symbol: "__x64_sys_dup", ret: true } as const;
const EBADF = 9n;

rexTest("a return probe sees what the function returns", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "returned" })`
    #[rex_map]
    static SEEN: RexArrayMap<i64> = RexArrayMap::new(2, 0);

    fn returned(_: &kprobe, ctx: &mut PtRegs) -> Result {
      SEEN.insert(&0, &(ctx.rax() as i64))?;
      SEEN.get_mut(&1).ok_or(-1)?.fetch_add(1);
      Ok(0)
    }
  `);
  await using link = await program.attach({ target });
  t.expect(link.target).toMatchObject(target);
  const seen = program.map("SEEN", { key: u32, value: i64 });

  t.expect(await t.guest.syscall("dup", 4242)).toReturn("EBADF");
  t.expect(await seen.entries()).toEqual([
    [0, -EBADF],
    [1, 1n],
  ]);
  const { ret } = await t.guest.syscall("dup", 0);
  t.expect(await seen.entries()).toEqual([
    [0, ret],
    [1, 2n],
  ]);
  t.expect(ret).toBeGreaterThan(0n);
});

rexTest("a panic at a function's return is a graceful exit", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "late_panic" })`
    fn late_panic(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let returned = ctx.rax() as i64;
      assert!(returned >= 0, "dup returned {returned}");
      Ok(0)
    }
  `);
  await using _link = await program.attach({ target });
  const run = await t.guest.syscall("dup", 4242);
  t.expect(run).toExitGracefully({
    reason: "panic",
    message: "dup returned -9",
    program: "late_panic",
    frames: ["late_panic", "rex_dispatcher_func"],
  });
  t.expect(run.exits).toHaveLength(1);
  t.expect(run).toReturn("EBADF");
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
