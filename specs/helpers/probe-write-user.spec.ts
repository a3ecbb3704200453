// SPDX-License-Identifier: MIT
// Promise: programs don't write to the memory of processes unless the machine's owner has said so.
import { i64, rex, rexTest, u32 } from "rex-test";

const sysctl = "/proc/sys/kernel/rex_probe_write_user";

const writer = rex.kprobe({ function: "ksys_write", name: "writer" })`
  #[rex_map]
  static RESULT: RexArrayMap<i64> = RexArrayMap::new(1, 0);

  fn writer(program: &kprobe, ctx: &mut PtRegs) -> Result {
    if ctx.rdi() as u32 != 4242 { return Ok(0); }
    let result = program.bpf_probe_write_user(ctx.rsi() as *mut (), &0x64636261u32);
    RESULT.insert(&0, &i64::from(result.err().unwrap_or(0)))
  }
`;

rexTest(
  "an object that would write to user memory is refused, with the sysctl in the sentence",
  async (t) => {
    t.expect((await t.guest.readFile(sysctl)).trim()).toBe("0");
    await t
      .expect(t.load(writer))
      .toBeRejectedByLoader(
        /import rex_probe_write_user: writing to user memory is off \(sysctl kernel\.rex_probe_write_user\)/,
      );
  },
);

rexTest("with the sysctl on it writes where the process could, and nowhere else", async (t) => {
  await t.guest.writeFile(sysctl, "1");
  const program = await t.load(writer);
  await using _link = await program.attach();
  const result = program.map("RESULT", { key: u32, value: i64 });
  const run = await t.guest.syscall("write", 4242, { buffer: 8 }, 8);
  t.expect(Buffer.from(run.buffers[0] ?? []).toString()).toBe("abcd\0\0\0\0");
  t.expect(await result.get(0)).toBe(0n);
  const efault = -14n;
  for (const address of [0n, 0xffffffff81000000n]) {
    await t.guest.syscall("write", 4242, address, 8);
    t.expect(await result.get(0), `at ${address}`).toBe(efault);
  }
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a program that was loaded while it was on no longer writes when it is off", async (t) => {
  await t.guest.writeFile(sysctl, "1");
  const program = await t.load(writer);
  await using _link = await program.attach();
  await t.guest.writeFile(sysctl, "0");
  const run = await t.guest.syscall("write", 4242, { buffer: 8 }, 8);
  t.expect([...(run.buffers[0] ?? [])]).toEqual(new Array(8).fill(0));
  const eperm = -1n;
  t.expect(await program.map("RESULT", { key: u32, value: i64 }).get(0)).toBe(eperm);
});

rexTest("the sysctl takes 0 and 1", async (t) => {
  for (const value of ["2", "-1", "yes"]) {
    await t.expect(t.guest.writeFile(sysctl, value)).rejects.toThrow(/Invalid argument/);
    t.expect((await t.guest.readFile(sysctl)).trim()).toBe("0");
  }
});
