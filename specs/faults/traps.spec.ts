// SPDX-License-Identifier: MIT
// Promise: a trap in a program's own code ends that program, and nothing else: the hooked system call does what it always does, no
// oops, no taint, and the next program runs on the same CPU and stack.
import { rex, rexTest, type TestContext } from "rex-test";
import { alter, instructions } from "./altered.ts";

interface Trap {
  readonly name: string;
  readonly bytes: readonly number[];
  readonly message: RegExp;
}

const traps: readonly Trap[] = [
  { name: "an invalid opcode", bytes: instructions.ud2, message: /^#UD invalid opcode$/ },
  { name: "a breakpoint", bytes: instructions.int3, message: /^#BP breakpoint$/ },
  { name: "a division by zero", bytes: instructions.divideByZero, message: /^#DE divide error$/ },
  { name: "a load from address 0", bytes: instructions.loadFromNull, message: /^#PF page fault at 0(x0)?$/ },
  {
    name: "a load from unmapped kernel memory",
    bytes: instructions.loadFromHole,
    message: /^#PF page fault at 0xffff800000000000$/,
  },
  {
    name: "a store to its own text",
    bytes: instructions.storeToText,
    message: /^#PF page fault at 0xffffffff/,
  },
  {
    name: "a load from a non-canonical address",
    bytes: instructions.loadNotCanonical,
    message: /^#GP general protection$/,
  },
  {
    name: "a load from a non-canonical frame pointer",
    bytes: instructions.loadNotCanonicalByRbp,
    message: /^#(SS stack segment|GP general protection)$/,
  },
  {
    name: "a load from the guard page",
    bytes: instructions.readGuardPage,
    message: /^guard page of the stack hit at 0xffff/,
  },
  {
    name: "a push into the guard page",
    bytes: instructions.pushForever,
    message: /^guard page of the stack hit at 0xffff/,
  },
  {
    name: "a push into the guard page with the direction flag set",
    bytes: instructions.pushForeverBackwards,
    message: /^guard page of the stack hit at 0xffff/,
  },
  {
    name: "an endless recursion",
    bytes: instructions.callForever,
    message: /^guard page of the stack hit at 0xffff/,
  },
  {
    name: "a frame larger than the stack",
    bytes: instructions.hugeFrame,
    message: /^guard page of the stack hit at 0xffff/,
  },
];

const victim = rex.kprobe({ function: "__x64_sys_dup", name: "victim" })`
  fn victim(_: &kprobe, ctx: &mut PtRegs) -> Result {
    let values = [1, 2, 3, 4, 5, 6, 7, 8];
    rex_printk!("{}", values[ctx.rdi() as usize % 8])
  }
`;

const badFramePointer = /kernel stack regs at .* has bad 'bp' value/;

/** KASAN takes traces at interrupts, one of which may find the frame pointer that was made bad: the kernel tells so, once. */
async function isToldOfFramePointer(t: TestContext, bytes: readonly number[]): Promise<boolean> {
  if (bytes !== instructions.loadNotCanonicalByRbp || !t.kernel.config.has("KASAN")) return false;
  return (await t.guest.log()).some(({ text }) => badFramePointer.test(text));
}

for (const { name, bytes, message } of traps) {
  rexTest(`${name} ends the program`, async (t) => {
    const { object } = await t.compile(victim);
    const faulty = await t.load(rex.object("faulty", alter(object, bytes)));
    const link = await faulty.attach();
    for (let round = 0; round < 3; round++) {
      const run = await t.guest.syscall("dup", 999);
      t.expect(run).toExitGracefully({ reason: "fault", message, program: "victim" });
      t.expect(run).toReturn("EBADF");
      t.expect(run.exits).toHaveLength(1);
      const [exit] = run.exits;
      t.expect(exit?.level).toBe("task");
      t.expect(exit?.frames[0]?.symbol).toMatch(/rex_entry/);
      t.expect(exit?.frames.at(-1)?.symbol).toMatch(/entry_SYSCALL_64|do_syscall_64/);
    }
    await link.detach();
    await faulty.unload();

    const sound = await t.load(victim);
    await using _link = await sound.attach();
    const run = await t.guest.syscall("dup", 3);
    t.expect(run.exits).toEqual([]);
    if (await isToldOfFramePointer(t, bytes)) t.expectSplat(badFramePointer);
    await t.expect(t.guest).toBeHealthy();
    await t.expect(t.guest).toHoldNoResources();
  });
}
