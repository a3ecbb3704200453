// SPDX-License-Identifier: MIT
// How late is a program ended that does not end by itself? At most a tick after its limit, says the design; a program that is in a helper
// when the helper returns.
import { RexTestError } from "../../support/errors.ts";
import { rex } from "../../test/programs/templates.ts";
import type { Benchmark } from "../benchmark.ts";
import type { BenchGuest } from "../guest.ts";
import type { Lab } from "../lab.ts";
import type { ResultTable, Row } from "../result.ts";
import { summarise } from "../statistics.ts";

const limits = { timeoutMs: 50, tickMs: 5 };
const endless = 999;

const loops = [
  {
    what: "loop in plain code",
    cpus: 1,
    program: rex.kprobe({ function: "__x64_sys_dup", name: "plain" })`
      fn plain(_: &kprobe, _ctx: &mut PtRegs) -> Result {
        loop {}
      }
    `,
  },
  {
    what: "loop around a helper",
    cpus: 1,
    // The kernel formats and queues a line, which takes much longer than the rest of the loop.
    program: rex.kprobe({ function: "__x64_sys_dup", name: "helper" })`
      fn helper(_: &kprobe, _ctx: &mut PtRegs) -> Result {
        loop {
          rex_printk!("${"a long line ".repeat(40)}")?;
        }
      }
    `,
  },
  {
    what: "loop under a spin lock, ended by another CPU",
    cpus: 2,
    program: rex.kprobe({ function: "__x64_sys_dup", name: "locked" })`
      use rex::spinlock::bpf_spin_lock;

      #[repr(C)]
      #[derive(Clone, Copy)]
      struct Entry { lock: bpf_spin_lock, pad: u32, value: u64 }

      #[rex_map(lock = "lock")]
      static ENTRIES: RexArrayMap<Entry> = RexArrayMap::new(1, 0);

      fn locked(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let fd = ctx.syscall_regs()?.args()[0];
        let _entry = ENTRIES.lock(&0).ok_or(-1)?;
        while core::hint::black_box(fd) == 999 {}
        Ok(0)
      }
    `,
  },
] as const;

const clocks = [
  { counted: true, words: "a nanosecond for each instruction" },
  { counted: false, words: "the guest's clock, which goes on while a busy host runs something else" },
] as const;

export const termination: Benchmark = {
  name: "termination",
  title: "how long after its limit is an endless program ended?",
  run: async (lab) => {
    const tables: ResultTable[] = [];
    for (const { counted, words } of clocks) {
      const rows: Row[] = [];
      for (const loop of loops) {
        // The CPUs of a machine that counts instructions take turns, of up to 100 ms: how soon one can end a program on another says nothing.
        if (counted && loop.cpus > 1) continue;
        lab.step(`${loop.what}, ${words}`);
        rows.push(
          await lab.withGuest({ counted, cpus: loop.cpus }, async (guest) => {
            const late = await measure(lab, guest, loop);
            const summary = summarise(late);
            return { what: loop.what, summary, ratio: summary.max / limits.tickMs };
          }),
        );
      }
      tables.push({
        title: `run time beyond the limit of ${limits.timeoutMs} ms; ${words}`,
        unit: "ms",
        ratioTo: `the maximum is one tick, ${limits.tickMs} ms`,
        rows,
      });
    }
    return tables;
  },
};

async function measure(lab: Lab, guest: BenchGuest, loop: (typeof loops)[number]): Promise<number[]> {
  // The tick first: it must not be longer than the limit.
  await guest.api.writeFile("/proc/sys/kernel/rex_tick_ms", `${limits.tickMs}\n`);
  await guest.api.writeFile("/proc/sys/kernel/rex_timeout_ms", `${limits.timeoutMs}\n`);
  const program = await guest.load(loop.program);
  await program.attach();
  const lateMs: number[] = [];
  while (lateMs.length < lab.samples(25)) {
    const { exits } = await guest.api.syscall("dup", endless, { cpu: loop.cpus - 1 });
    const [exit] = exits;
    if (exit?.reason !== "timeout" || exits.length > 1)
      throw new RexTestError(`${loop.what}: not ended by its limit`, { outcome: "failure" });
    lateMs.push(exit.durationNs / 1e6 - limits.timeoutMs);
    // What was printed would fill the trace buffer.
    await guest.api.traceRead();
  }
  await program.unload();
  return lateMs;
}
