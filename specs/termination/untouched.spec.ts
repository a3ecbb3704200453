// SPDX-License-Identifier: MIT
// Promise: a program that ends before its limit is left alone, however close, and however long it has been running in all.
import { rex, rexTest, u32, u64 } from "rex-test";
import { setLimits } from "./limits.ts";

const timeoutMs = 2_000;
const rounds = 3;

rexTest("a program that ends just before its limit is not touched", async (t) => {
  await setLimits(t, { timeoutMs, tickMs: 10 });
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "slow" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn slow(program: &kprobe, ctx: &mut PtRegs) -> Result {
      let ms = ctx.syscall_regs()?.args()[0];
      let begin = program.bpf_ktime_get_ns();
      while program.bpf_ktime_get_ns() - begin < ms * 1_000_000 {}
      let runs = RUNS.get(&0).ok_or(-1)?;
      RUNS.insert(&0, &(runs + 1))
    }
  `);
  await using _link = await program.attach();
  for (let round = 0; round < rounds; round++) {
    const run = await t.guest.syscall("dup", timeoutMs * 0.75);
    t.expect(run.exits).toEqual([]);
  }
  t.expect(await program.map("RUNS", { key: u32, value: u64 }).get(0)).toBe(BigInt(rounds));
  await t.expect(t.guest).toBeHealthy();
});
