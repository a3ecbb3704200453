// SPDX-License-Identifier: MIT
// What the check of the stack costs that every function begins with, and that is made a nop where a bound is proven. The same function is called
// in both objects; in one of them a recursive program may call it too, so that it goes on checking.
import { RexTestError } from "../../support/errors.ts";
import { rex } from "../../test/programs/templates.ts";
import type { Benchmark } from "../benchmark.ts";
import type { BenchGuest } from "../guest.ts";
import type { Lab } from "../lab.ts";
import type { ResultTable, Row } from "../result.ts";
import { ratio, type Summary, summarise } from "../statistics.ts";

const calls = 1_000;
const xdpPass = 2;

const worker = (body: string) => `
  #[inline(never)]
  fn work(n: u32) -> u32 {
    ${body}
  }

  fn measured(_: &xdp, ctx: &mut xdp_md) -> Result {
    let mut sum = ctx.rx_queue_index();
    for n in 0..${calls} {
      sum ^= core::hint::black_box(work(n));
    }
    Ok(if sum == u32::MAX { XDP_DROP } else { XDP_PASS } as i32)
  }
`;

const recursive = `
  #[inline(never)]
  fn down(n: u32) -> u32 {
    if n == 0 { 0 } else { work(n) ^ core::hint::black_box(down(n - 1)) }
  }

  fn other(_: &xdp, ctx: &mut xdp_md) -> Result {
    Ok(down(ctx.rx_queue_index()) as i32)
  }
`;

const bodies = [
  { what: "a function of one addition", body: "core::hint::black_box(n) + 1" },
  {
    what: "a function of 64 additions",
    body: "let mut sum = n; for i in 0..64 { sum = core::hint::black_box(sum) + i; } sum",
  },
] as const;

const clocks = [
  { counted: true, unit: "instructions", repeat: 10 },
  { counted: false, unit: "ns", repeat: 10 },
] as const;

export const stackChecks: Benchmark = {
  name: "stack-checks",
  title: "what does the check of the stack cost, where it is needed?",
  run: async (lab) => {
    const tables: ResultTable[] = [];
    for (const { counted, unit, repeat } of clocks) {
      const rows = await lab.withGuest({ counted }, (guest) => measure(lab, guest, repeat));
      tables.push({
        title: `a program that calls a function ${calls} times`,
        unit,
        ratioTo: "the same without checks",
        rows,
      });
    }
    return tables;
  },
};

async function measure(lab: Lab, guest: BenchGuest, repeat: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { what, body } of bodies) {
    let peer: Summary | undefined;
    for (const [how, text] of [
      ["without checks", worker(body)],
      ["with checks", worker(body) + recursive],
    ] as const) {
      lab.step(`${what}, ${how}`);
      const program = await guest.load(rex.xdp({ name: "checks" })`${text}`);
      const durations: number[] = [];
      while (durations.length < lab.samples(25)) {
        const run = await program.testRun({ data: Buffer.alloc(64), repeat, name: "measured" });
        if (run.retval !== xdpPass)
          throw new RexTestError(`the program returned ${run.retval}`, { outcome: "failure" });
        durations.push(run.durationNs);
      }
      await program.unload();
      const summary = summarise(durations);
      peer ??= summary;
      rows.push({ what: `${what}, ${how}`, summary, ratio: ratio(summary, peer) });
    }
  }
  return rows;
}
