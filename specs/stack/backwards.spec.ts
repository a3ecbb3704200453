// SPDX-License-Identifier: MIT
// Promise: memory may be copied backwards, which sets the direction flag, and nobody else ever sees that: not the kernel whose
// helpers are called next, nor what runs after a program that was ended in the middle of a copy.
import { rex, rexTest, u32, u64 } from "rex-test";

rexTest("copy_within copies both ways", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "copying" })`
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    #[inline(never)]
    fn copy(bytes: &mut [u8], from: usize, len: usize, to: usize) {
      bytes.copy_within(from..from + len, to);
    }

    fn copying(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let len = (ctx.syscall_regs()?.args()[0] % 40) as usize;
      let mut bytes = [0u8; 64];
      for (index, byte) in bytes.iter_mut().enumerate() { *byte = index as u8; }
      let (mut up, mut down) = (bytes, bytes);
      copy(&mut up, 3, len, 10);
      copy(&mut down, 10, len, 3);
      for (index, byte) in bytes.iter().enumerate() {
        let is_up = (10..10 + len).contains(&index);
        let is_down = (3..3 + len).contains(&index);
        assert_eq!(up[index], if is_up { *byte - 7 } else { *byte });
        assert_eq!(down[index], if is_down { *byte + 7 } else { *byte });
      }
      SEEN.insert(&0, &(u64::from(up[10]) + 100 * len as u64))
    }
  `);
  await using _link = await program.attach();
  const seen = program.map("SEEN", { key: u32, value: u64 });
  for (const length of [1, 7, 8, 15, 16, 17, 31, 39]) {
    t.expect((await t.guest.syscall("dup", 1000 + length)).exits).toEqual([]);
    t.expect(await seen.get(0)).toBe(3n + 100n * BigInt((1000 + length) % 40));
  }
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a program that is ended while it copies backwards leaves the flag clear", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "copying" })`
    #[inline(never)]
    fn copy(bytes: &mut [u8]) { bytes.copy_within(0..2048, 1); }

    fn copying(_: &kprobe, ctx: &mut PtRegs) -> Result {
      if ctx.syscall_regs()?.args()[0] != 999 { return Ok(0) }
      let mut bytes = [7u8; 2100];
      loop { copy(core::hint::black_box(&mut bytes)); }
    }
  `);
  await using _link = await program.attach();
  for (let round = 0; round < 3; round++) {
    t.expect(await t.guest.syscall("dup", 999)).toTimeOut({ frames: ["copying"] });
    t.expect((await t.guest.syscall("dup", 998)).exits).toEqual([]);
  }
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
