// SPDX-License-Identifier: MIT
// Promise: a program that panics on one CPU does not disturb others that run meanwhile.
import { rex, rexTest, u32, u64 } from "rex-test";

rexTest("a panic on CPU 1 leaves a program on CPU 0 alone", { cpus: 2 }, async (t) => {
  const counting = await t.load(rex.kprobe({ function: "__x64_sys_getpid", name: "counting" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn counting(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let mut runs = RUNS.get_mut(&0).ok_or(-1)?;
      *runs += 1;
      Ok(0)
    }
  `);
  const panicking = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "panicking" })`
    fn panicking(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      panic!("on CPU {}", program.bpf_get_smp_processor_id())
    }
  `);
  await using _countingLink = await counting.attach();
  await using _panickingLink = await panicking.attach();

  const repeat = 2_000;
  const [well, ill] = await t.guest.trigger([
    { syscall: "getpid", cpu: 0, repeat },
    { syscall: "dup", args: [999], cpu: 1, repeat: 20 },
  ]);
  t.expect(ill).toExitGracefully({ reason: "panic", message: "on CPU 1", program: "panicking" });
  t.expect(ill).toReturn("EBADF");
  t.expect(well).toReturn(1);
  t.expect(well?.exits).toEqual([]);
  t.expect(await counting.map("RUNS", { key: u32, value: u64 }).get(0)).toBe(BigInt(repeat));
  await t.expect(t.guest).toBeHealthy();
});
