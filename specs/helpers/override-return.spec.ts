// SPDX-License-Identifier: MIT
// Promise: a program makes a function that allows it return what it says, without running, however long its probe has been there;
// and no other function.
import { i64, rex, rexTest, type TestContext, u32 } from "rex-test";
import { ElfEditor, progRecord } from "../loader/elf.ts";

const overriding = (symbol: string) => `
  use rex::linux::errno::EPERM;
  #[rex_map]
  static RESULT: RexArrayMap<i64> = RexArrayMap::new(1, 0);

  #[rex_kprobe(function = "${symbol}")]
  fn overriding(program: &kprobe, ctx: &mut PtRegs) -> Result {
    if ctx.syscall_regs()?.args()[0] != 55 { return Ok(0); }
    let result = program.bpf_override_return(ctx, -i64::from(EPERM) as u64);
    RESULT.insert(&0, &i64::from(result))
  }
`;

/** What the kernel says of the only probe, such as "[FTRACE]" or "[OPTIMIZED]". */
async function probeState(t: TestContext): Promise<string> {
  const [line, ...others] = (await t.guest.readFile("/sys/kernel/debug/kprobes/list")).trimEnd().split("\n");
  t.expect(others).toEqual([]);
  return line === undefined || line === "" ? "no probe" : line;
}

rexTest(
  "a function that allows it returns what the program says, and only for the program's call",
  async (t) => {
    const program = await t.load(
      rex.kprobe({ function: "__x64_sys_dup", name: "overriding" })`${overriding("__x64_sys_dup")}`,
    );
    await using _link = await program.attach();
    t.expect(await t.guest.syscall("dup", 55)).toReturn("EPERM");
    t.expect(await t.guest.syscall("dup", 1)).toReturn(3);
    t.expect(await t.guest.syscall("dup", 999)).toReturn("EBADF");
  },
);

// The system call that stands for those that don't exist lies outside of what ftrace instruments, so its probe is a breakpoint, which
// the kernel turns into a jump after some ticks. 180 is the number of a call that is gone.
rexTest("an override goes on working after the time in which a probe is optimised", async (t) => {
  const gone = 180;
  const symbol = "__x64_sys_ni_syscall";
  const program = await t.load(rex.kprobe({ function: symbol, name: "overriding" })`${overriding(symbol)}`);
  await using _link = await program.attach();
  t.expect(await probeState(t), "the trap is there only without ftrace").not.toMatch(/FTRACE|no probe/);
  const giveUpAt = performance.now() + 3_000;
  while (performance.now() < giveUpAt) {
    t.expect(await t.guest.syscall(gone, 55)).toReturn("EPERM");
    t.expect(await probeState(t)).not.toMatch(/OPTIMIZED/);
  }
  t.expect(await t.guest.syscall(gone, 1)).toReturn("ENOSYS");
});

rexTest("a program that overrides is not attached where that is not allowed", async (t) => {
  const program = await t.load(
    rex.kprobe({ function: "ksys_write", name: "overriding" })`${overriding("ksys_write")}`,
  );
  await t.expect(program.attach()).rejects.toThrow(/can't be attached to kprobe\/ksys_write/);
});

rexTest("a program whose record does not say that it overrides is refused the call", async (t) => {
  const { object } = await t.compile(
    rex.kprobe({ function: "__x64_sys_dup", name: "overriding" })`${overriding("__x64_sys_dup")}`,
  );
  const elf = new ElfEditor(object);
  const flags = elf.section(".rex.progs").offset + progRecord.flags;
  t.expect(elf.u32(flags)).toBe(1);
  const program = await t.load(rex.object("overriding", elf.setU32(flags, 0).bytes));
  await using _link = await program.attach();
  t.expect(await t.guest.syscall("dup", 55)).toReturn("EBADF");
  const eperm = -1n;
  t.expect(await program.map("RESULT", { key: u32, value: i64 }).get(0)).toBe(eperm);
});
