// SPDX-License-Identifier: MIT
// How long a test waits for its fresh kernel.
import { chooseProvider } from "../../test/guests/choose-provider.ts";
import type { GuestProvider } from "../../test/guests/guest.ts";
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
    const clones = await timeClones(lab);
    if (clones !== undefined) {
      const summary = summarise(clones);
      rows.push({ what: "rex-test, cloned", summary, ratio: ratio(summary, boots) });
    }
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

/** As specs get them: one waits while another is used. Undefined where guests can't be cloned, with a note. */
async function timeClones(lab: Lab): Promise<readonly number[] | undefined> {
  let cloned = true;
  await using provider = chooseProvider(
    { guests: "clone", jobs: 1, signal: lab.signal },
    lab.prepared.guests,
    (notice) => {
      cloned = false;
      lab.note(notice);
    },
  );
  lab.step("making the machine that is cloned");
  await timeStart(lab, provider);
  lab.step("cloning");
  const times = await collect(lab.samples(25), () => timeStart(lab, provider));
  return cloned ? times : undefined;
}

async function timeStart(lab: Lab, provider?: GuestProvider): Promise<number> {
  const startedAt = performance.now();
  return await lab.withGuest(provider === undefined ? {} : { provider }, async (guest) => {
    await guest.api.ping();
    return performance.now() - startedAt;
  });
}

async function collect(samples: number, take: () => Promise<number>): Promise<number[]> {
  const taken: number[] = [];
  while (taken.length < samples) taken.push(await take());
  return taken;
}
