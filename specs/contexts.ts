// SPDX-License-Identifier: MIT
// Ways to get a kprobe program to run in each of the kernel's contexts.
import type { ExitRecord, Link, Program, SyscallOptions, TestContext } from "rex-test";

type Level = "task" | "softirq" | "hardirq" | "nmi";

export interface Context {
  /** For the names of tests. */
  readonly name: string;
  /** As exit records call it. */
  readonly level: Level;
  /** Are interrupts off while the program runs? Then only another CPU can end it. */
  readonly interruptsOff: boolean;
  /** Attaches a kprobe program there. */
  attach(t: TestContext, program: Program): Promise<Link>;
  /** Has it run, and gives the records of the runs at this level that ended abnormally: at least one. */
  endings(t: TestContext, options?: Pick<SyscallOptions, "cpu">): Promise<readonly ExitRecord[]>;
}

/** A struct timespec of some milliseconds. */
function timespec(ms: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64LE(BigInt(ms) * 1_000_000n, 8);
  return bytes;
}

const attempts = 20;

/** Calls until a program has ended abnormally at this level, which may be a little later than the call. */
async function endingsAt(
  level: Level,
  t: TestContext,
  call: () => Promise<unknown>,
): Promise<readonly ExitRecord[]> {
  const before = (await t.guest.exits()).at(-1)?.seq ?? 0;
  for (let attempt = 0; attempt < attempts; attempt++) {
    await call();
    const found = (await t.guest.exits()).filter((exit) => exit.seq > before && exit.level === level);
    if (found.length > 0) return found;
  }
  throw new Error(`no program ended abnormally at level ${level} in ${attempts} attempts`);
}

export const contexts: readonly Context[] = [
  {
    name: "a system call",
    level: "task",
    interruptsOff: false,
    attach: (_t, program) => program.attach({ target: { kind: "kprobe", symbol: "__x64_sys_dup" } }),
    endings: (t, options = {}) => endingsAt("task", t, () => t.guest.syscall("dup", 999, options)),
  },
  {
    // Every call is made by a thread of its own, and RCU frees it after it is gone.
    name: "a soft interrupt",
    level: "softirq",
    interruptsOff: false,
    attach: (_t, program) =>
      program.attach({ target: { kind: "kprobe", symbol: "delayed_put_task_struct" } }),
    endings: (t, options = {}) =>
      endingsAt("softirq", t, () => t.guest.syscall("nanosleep", timespec(5), 0, options)),
  },
  {
    // The interrupt of a high-resolution timer wakes a task that sleeps.
    name: "a hardware interrupt",
    level: "hardirq",
    interruptsOff: true,
    attach: (_t, program) => program.attach({ target: { kind: "kprobe", symbol: "hrtimer_wakeup" } }),
    endings: (t, options = {}) =>
      endingsAt("hardirq", t, () => t.guest.syscall("nanosleep", timespec(5), 0, options)),
  },
  {
    // Behind the call to ftrace at its start, a function can only be probed by a breakpoint.
    name: "a breakpoint",
    level: "nmi",
    interruptsOff: true,
    attach: async (t, program) => {
      await t.guest.writeFile("/proc/sys/debug/kprobes-optimization", "0\n");
      // The call is 5 bytes long, and comes after an ENDBR of 4 where the kernel tracks indirect branches.
      const at = (offset: string) =>
        program.attach({ target: { kind: "kprobe", symbol: "__x64_sys_dup", offset } });
      return at("5").catch(() => at("9"));
    },
    endings: (t, options = {}) => endingsAt("nmi", t, () => t.guest.syscall("dup", 999, options)),
  },
];
