// SPDX-License-Identifier: MIT
// What loading costs in the kernel: Rex maps and relocates an ELF, eBPF is verified along every path and compiled. Timed by the trace events of
// bpf(2), so that user space (the agent here, libbpf and bpftool there) does not count.
import { RexTestError } from "../../support/errors.ts";
import { rex } from "../../test/programs/templates.ts";
import type { Benchmark } from "../benchmark.ts";
import type { BenchGuest } from "../guest.ts";
import type { Lab } from "../lab.ts";
import type { ResultTable, Row } from "../result.ts";
import { ratio, summarise } from "../statistics.ts";
import { ebpf, StockProgram } from "../stock-ebpf.ts";
import { bpfCalls, traceBpfCalls } from "../trace-bpf.ts";

const rounds = 10_000;
const additions = 3_000;
/** Commands of bpf(2): BPF_PROG_LOAD, and Rex's REX_OBJ_LOAD and REX_OBJ_GET_PROG. */
const loading = { ebpf: [5], rex: [0x5200, 0x5201] } as const;

const programs = [
  {
    what: "returns at once",
    rex: rex.xdp({ name: "at_once" })`
      fn at_once(_: &xdp, _ctx: &mut xdp_md) -> Result {
        Ok(XDP_PASS as i32)
      }
    `,
    ebpf: [ebpf.set(0, 2), ebpf.exit()],
  },
  {
    what: `a loop of ${rounds} rounds`,
    rex: rex.xdp({ name: "rounds" })`
      fn rounds(_: &xdp, ctx: &mut xdp_md) -> Result {
        let mut sum = ctx.ingress_ifindex();
        for round in 0..${rounds} {
          sum = core::hint::black_box(sum + round);
        }
        Ok(sum as i32)
      }
    `,
    ebpf: [
      ebpf.load32(0, 1, 12),
      ebpf.set(2, 0),
      ebpf.addRegister(0, 2),
      ebpf.add(2, 1),
      ebpf.backIfBelow(2, rounds, 2),
      ebpf.exit(),
    ],
  },
  {
    what: `${additions} additions in a row`,
    rex: rex.xdp({ name: "additions" })`
      fn additions(_: &xdp, ctx: &mut xdp_md) -> Result {
        let mut sum = ctx.ingress_ifindex();
        ${"sum = core::hint::black_box(sum) + 7;\n".repeat(additions)}
        Ok(sum as i32)
      }
    `,
    ebpf: [ebpf.load32(0, 1, 12), ...Array.from({ length: additions }, () => ebpf.add(0, 7)), ebpf.exit()],
  },
] as const;

export const load: Benchmark = {
  name: "load",
  title: "what does it cost the kernel to load a program?",
  run: async (lab) => [
    await lab.withGuest({ counted: true, hostTools: true }, (guest) => measure(lab, guest)),
  ],
};

async function measure(lab: Lab, guest: BenchGuest): Promise<ResultTable> {
  const samples = lab.samples(7);
  const rows: Row[] = [];
  await traceBpfCalls(guest);
  for (const { what, ...sources } of programs) {
    const { name } = sources.rex;
    lab.step(`${what}: eBPF`);
    const theirs = await collect(guest, samples, loading.ebpf, async () => {
      await using _stock = await StockProgram.load(guest, {
        name,
        section: "xdp",
        instructions: sources.ebpf,
      });
    });
    lab.step(`${what}: Rex`);
    const ours = await collect(guest, samples, loading.rex, async () => {
      await using _program = await guest.load(sources.rex);
    });
    const peer = summarise(theirs);
    const summary = summarise(ours);
    rows.push(
      { what: `${what}: eBPF, verified`, summary: peer, ratio: ratio(peer, peer) },
      { what: `${what}: Rex`, summary, ratio: ratio(summary, peer) },
    );
  }
  return {
    title: "bpf(2) calls that load one program",
    unit: "instructions",
    ratioTo: "the eBPF program",
    rows,
  };
}

/** The last load of a program is the one that counts: libbpf probes the kernel with small programs of its own first. */
async function collect(
  guest: BenchGuest,
  samples: number,
  commands: readonly number[],
  action: () => Promise<void>,
): Promise<number[]> {
  const times: number[] = [];
  while (times.length < samples) {
    const calls = await bpfCalls(guest, action);
    const last = commands.map((command) => calls.findLast((call) => call.command === command));
    if (last.includes(undefined))
      throw new RexTestError("the trace has no call of bpf(2) that loads a program");
    times.push(last.reduce((sum, call) => sum + (call?.durationNs ?? 0), 0));
  }
  return times;
}
