// SPDX-License-Identifier: MIT
// How long a test waits for its fresh kernel.
import type { Benchmark } from "../benchmark.ts";
import type { Lab } from "../lab.ts";
import type { ResultTable, Row } from "../result.ts";
import { ratio, summarise } from "../statistics.ts";
import { findVirtmeNg, timeVirtmeNg } from "../virtme-ng.ts";

export const guestStart: Benchmark = {
  name: "guest-start",
  title: "how long does a test wait for a kernel of its own?",
  run: async (lab) => {
    lab.step("booting");
    const boots = summarise(await collect(lab.samples(9), () => timeStart(lab)));
    const rows: Row[] = [{ what: "rex-test, booted", summary: boots, ratio: ratio(boots, boots) }];
    const vng = await findVirtmeNg();
    if (vng === undefined) {
      lab.note("virtme-ng, the peer, is not installed: sudo apt install virtme-ng, or pip install virtme-ng");
    } else {
      lab.step("virtme-ng");
      const theirs = summarise(
        await collect(lab.samples(5), () => timeVirtmeNg(vng, lab.prepared, lab.signal)),
      );
      rows.push({ what: "virtme-ng, same kernel", summary: theirs, ratio: ratio(theirs, boots) });
    }
    const table: ResultTable = {
      title: "from the wish for a guest to the first answer out of it",
      unit: "ms",
      ratioTo: "the booted guest",
      rows,
    };
    return [table];
  },
};

async function timeStart(lab: Lab): Promise<number> {
  const startedAt = performance.now();
  return await lab.withGuest({}, async (guest) => {
    await guest.api.ping();
    return performance.now() - startedAt;
  });
}

async function collect(samples: number, take: () => Promise<number>): Promise<number[]> {
  const taken: number[] = [];
  while (taken.length < samples) taken.push(await take());
  return taken;
}
