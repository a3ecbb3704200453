// SPDX-License-Identifier: MIT
// How near the proven bound of a program's stack is to what the program uses: measured by the kernel, which paints the stack.
import { fileURLToPath } from "node:url";
import type { ProgramStats } from "../../protocol/generated.ts";
import { RexTestError } from "../../support/errors.ts";
import { fixtureSource } from "../../test/programs/fixtures.ts";
import type { ProgramSource } from "../../test/programs/source.ts";
import { rex } from "../../test/programs/templates.ts";
import type { Program } from "../../test/worker/program.ts";
import type { Benchmark } from "../benchmark.ts";
import type { BenchGuest } from "../guest.ts";
import type { Lab } from "../lab.ts";
import type { FigureTable } from "../result.ts";

/** Arguments of the call that a program returns from, and panics with, unless it says others. */
const returning = 999;
const panicking = 1000;

interface Subject {
  readonly what: string;
  readonly source: ProgramSource;
  readonly returns?: number;
  readonly panics?: number;
}

const inline: readonly Subject[] = [
  {
    what: "returns at once",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "nothing" })`
      fn nothing(_: &kprobe, _ctx: &mut PtRegs) -> Result {
        Ok(0)
      }
    `,
  },
  {
    what: "an array of 1,600 bytes",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "array" })`
      fn array(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let n = ctx.syscall_regs()?.args()[0];
        let mut local = [n; 200];
        core::hint::black_box(&mut local);
        Ok(local[(n % 200) as usize] as i32)
      }
    `,
  },
  {
    what: "a chain of three calls, each with an array",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "chain" })`
      #[inline(never)]
      fn third(n: u64) -> u64 {
        let local = core::hint::black_box([n; 64]);
        local[(n % 64) as usize]
      }

      #[inline(never)]
      fn second(n: u64) -> u64 {
        let local = core::hint::black_box([n; 32]);
        third(n + 1) ^ local[(n % 32) as usize]
      }

      #[inline(never)]
      fn first(n: u64) -> u64 {
        let local = core::hint::black_box([n; 16]);
        second(n + 1) ^ local[(n % 16) as usize]
      }

      fn chain(_: &kprobe, ctx: &mut PtRegs) -> Result {
        Ok(first(ctx.syscall_regs()?.args()[0]) as i32)
      }
    `,
  },
  {
    what: "a hash map and helpers",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "counts" })`
      #[rex_map]
      static COUNTS: RexHashMap<i32, u64> = RexHashMap::new(64, 0);

      fn counts(program: &kprobe, _ctx: &mut PtRegs) -> Result {
        let task = program.bpf_get_current_task().ok_or(-1)?.get_pid();
        let _ = COUNTS.insert_new(&task, &0);
        COUNTS.get_mut(&task).ok_or(-2)?.fetch_add(program.bpf_ktime_get_ns());
        Ok(0)
      }
    `,
  },
  {
    what: "a reference to a task, and a panic",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "panics" })`
      use rex::task_struct::OwnedTaskStruct;

      fn panics(program: &kprobe, ctx: &mut PtRegs) -> Result {
        let me = program.bpf_get_current_task().ok_or(-1)?.get_pid();
        let _task = OwnedTaskStruct::from_pid(me);
        let fd = ctx.syscall_regs()?.args()[0];
        assert!(fd != ${panicking}, "as it was to be expected");
        Ok(0)
      }
    `,
  },
  {
    what: "a panic with a formatted message",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "formats" })`
      fn formats(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let fd = ctx.syscall_regs()?.args()[0];
        assert!(fd != ${panicking}, "{fd} of {:?}", [fd; 4]);
        Ok(0)
      }
    `,
  },
  {
    what: "prints a line",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "prints" })`
      fn prints(_: &kprobe, ctx: &mut PtRegs) -> Result {
        rex_printk!("fd {}", ctx.syscall_regs()?.args()[0])
      }
    `,
  },
  {
    what: "20 levels of recursion",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "recursion" })`
      #[inline(never)]
      fn down(n: u64) -> u64 {
        let local = core::hint::black_box([n; 8]);
        if n == 0 { local[1] } else { down(n - 1) ^ local[2] }
      }

      fn recursion(_: &kprobe, _ctx: &mut PtRegs) -> Result {
        Ok(down(core::hint::black_box(19)) as i32)
      }
    `,
  },
];

const fixtures = [
  { name: "hello" },
  { name: "map-roundtrip" },
  { name: "div-by-zero", panics: 0 },
  { name: "oob-index", returns: 2 },
  { name: "explicit-panic", returns: 0 },
].map(
  ({ name, ...ends }): Subject => ({
    what: `fixture ${name}`,
    source: fixtureSource(name, fileURLToPath(import.meta.url)),
    ...ends,
  }),
);

const undisturbedRuns = 5;
const mostRounds = 200;

export const stack: Benchmark = {
  name: "stack",
  title: "how much of its proven bound does a program use?",
  run: async (lab) => [await lab.withGuest({}, (guest) => measure(lab, guest))],
};

async function measure(lab: Lab, guest: BenchGuest): Promise<FigureTable> {
  const rows = [];
  await guest.api.measureStacks();
  for (const { what, source, returns = returning, panics = panicking } of [...inline, ...fixtures]) {
    lab.step(what);
    const program = await guest.load(source);
    await program.attach();
    await guest.api.syscall("dup", panics);
    const stats = await runUndisturbed(guest, program, returns);
    const { stackBoundBytes: bound, stackUsedBytes: used, reportUsedBytes: report } = stats;
    if (bound !== undefined && used > bound) {
      throw new RexTestError(`"${what}" used ${used} bytes of stack, more than its bound of ${bound}`, {
        outcome: "failure",
      });
    }
    rows.push({
      what,
      figures: [bound, used, stats.totalUsedBytes, report === 0 ? undefined : report],
      ratio: bound === undefined ? undefined : used / bound,
    });
    await program.unload();
  }
  return {
    title: "stack of a program, of 16 KiB; with helpers and interrupts, of 32",
    unit: "bytes",
    columns: ["bound", "used", "with helpers", "in the message"],
    ratioTo: "all of the bound was used",
    rows,
  };
}

/** An interrupt uses the same stack: only runs without one say exactly what the program itself used. */
async function runUndisturbed(guest: BenchGuest, program: Program, argument: number): Promise<ProgramStats> {
  for (let round = 0; round < mostRounds; round++) {
    await guest.timeCalls({ syscall: "dup", args: [argument], samples: 1 });
    const stats = await program.stats();
    if (stats.measuredRuns >= undisturbedRuns) return stats;
  }
  throw new RexTestError(`hardly one of ${mostRounds} runs was free of interrupts`);
}
