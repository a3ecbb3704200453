// SPDX-License-Identifier: MIT
// What it costs to have a program on a hook, when the program itself does nothing: the way there and back.
import { rex } from "../../test/programs/templates.ts";
import type { Benchmark } from "../benchmark.ts";
import type { BenchGuest } from "../guest.ts";
import type { Lab } from "../lab.ts";
import type { ResultTable } from "../result.ts";
import { above, ratio, summarise } from "../statistics.ts";
import { ebpf, StockProgram } from "../stock-ebpf.ts";

const call = { syscall: "dup", args: [999] } as const;
const returnsAtOnce = [ebpf.set(0, 0), ebpf.exit()];

const hooks = [
  {
    title: "kprobe at the entry of __x64_sys_dup",
    hook: { kind: "kprobe", symbol: "__x64_sys_dup" },
    program: rex.kprobe({ function: "__x64_sys_dup", name: "nothing" })`
      fn nothing(_: &kprobe, _ctx: &mut PtRegs) -> Result {
        Ok(0)
      }
    `,
  },
  {
    title: "tracepoint syscalls/sys_enter_dup",
    hook: { kind: "tracepoint", category: "syscalls", name: "sys_enter_dup" },
    program: rex.tracepoint({ context: "SyscallsEnterDupCtx", name: "nothing" })`
      fn nothing(_: &tracepoint<Ctx>, _ctx: &'static Ctx) -> Result {
        Ok(0)
      }
    `,
  },
] as const;

/** Samples are short, so that most of them are over before a busy host looks after something else. */
const clocks = [
  { counted: true, unit: "instructions", repeat: 200 },
  { counted: false, unit: "ns", repeat: 500 },
] as const;

export const dispatch: Benchmark = {
  name: "dispatch",
  title: "what does a program cost that returns at once?",
  run: async (lab) => {
    const tables: ResultTable[] = [];
    for (const clock of clocks) {
      tables.push(
        ...(await lab.withGuest({ counted: clock.counted, hostTools: true }, async (guest) => {
          const measured: ResultTable[] = [];
          for (const hook of hooks) measured.push(await measureHook(lab, guest, hook, clock));
          return measured;
        })),
      );
    }
    return tables;
  },
};

async function measureHook(
  lab: Lab,
  guest: BenchGuest,
  { title, hook, program }: (typeof hooks)[number],
  { unit, repeat }: (typeof clocks)[number],
): Promise<ResultTable> {
  const time = () => guest.timeCalls({ ...call, repeat, samples: lab.samples(64) });
  lab.step(`${title}, ${unit}: no program`);
  const bare = await time();

  lab.step(`${title}, ${unit}: eBPF`);
  const stock = await StockProgram.load(guest, {
    name: "nothing",
    section: hook.kind,
    instructions: returnsAtOnce,
  });
  await stock.attach(hook);
  await guest.expectToRun(stock.id, call);
  const withStock = await time();
  await stock[Symbol.asyncDispose]();

  lab.step(`${title}, ${unit}: Rex`);
  const loaded = await guest.load(program);
  await loaded.attach();
  await guest.expectToRun(loaded.id, call);
  const withRex = await time();
  await loaded.unload();

  const peer = summarise(above(withStock, bare));
  const own = summarise(above(withRex, bare));
  return {
    title: `${title}, for each call`,
    unit,
    ratioTo: "the eBPF program",
    rows: [
      { what: "the call itself, no program", summary: summarise(bare) },
      { what: "eBPF program, on top", summary: peer, ratio: ratio(peer, peer) },
      { what: "Rex program, on top", summary: own, ratio: ratio(own, peer) },
    ],
  };
}
