// SPDX-License-Identifier: MIT
// How long a test waits for its fresh kernel.
import { setTimeout as sleep } from "node:timers/promises";
import { CloneProvider } from "../../test/guests/clone-provider.ts";
import type { GuestProvider } from "../../test/guests/guest.ts";
import type { Benchmark } from "../benchmark.ts";
import type { Lab } from "../lab.ts";
import { PlainQemu } from "../plain-qemu.ts";
import type { ResultTable, Row } from "../result.ts";
import { ratio, summarise } from "../statistics.ts";
import { findVirtmeNg, timeVirtmeNg } from "../virtme-ng.ts";

/** Between two tests of a guest that waited: as long as a short test takes. */
const restMs = 300;
/** Until guests are forked. */
const startsBefore = 5;

export const guestStart: Benchmark = {
  name: "guest-start",
  title: "how long does a test wait for a kernel of its own?",
  run: async (lab) => {
    lab.step("booting");
    const boots = summarise(await collect(lab.samples(9), () => timeStart(lab)));
    const rows: Row[] = [{ what: "rex-test, booted", summary: boots, ratio: ratio(boots, boots) }];
    for (const [what, poolSize, mostForkSources] of [
      ["rex-test, cloned", 0, 0],
      ["rex-test, a clone that waited", 1, 0],
      ["rex-test, forked", 0, 1],
      ["rex-test, a fork that waited", 1, 1],
    ] as const) {
      const clones = await timeClones(lab, { poolSize, mostForkSources });
      if (clones === undefined) break;
      const summary = summarise(clones);
      rows.push({ what, summary, ratio: ratio(summary, boots) });
    }
    lab.step("plain QEMU");
    await using plain = await PlainQemu.prepare(lab.prepared, lab.signal);
    const plainly = summarise(await collect(lab.samples(5), () => plain.time(lab.signal)));
    rows.push({ what: "plain QEMU, shell as init", summary: plainly, ratio: ratio(plainly, boots) });
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

/** Undefined where guests can't be cloned, with a note. With a pool specs get theirs: one waits while another is used. */
async function timeClones(
  lab: Lab,
  sizes: { readonly poolSize: number; readonly mostForkSources: number },
): Promise<readonly number[] | undefined> {
  const { guests: base } = lab.prepared;
  if (base.accelerator !== "tcg") {
    lab.note("guests are cloned with TCG only");
    return undefined;
  }
  let cloned = true;
  const onNotice = (notice: string) => {
    cloned = false;
    lab.note(notice);
  };
  await using provider = new CloneProvider({ base, ...sizes, signal: lab.signal, onNotice });
  lab.step("making the machine that is cloned, or forked");
  for (let start = 0; start < startsBefore; start++) await timeStart(lab, provider);
  lab.step("cloning");
  const times = await collect(lab.samples(25), async () => {
    // The clone that is to wait comes to life meanwhile.
    if (sizes.poolSize > 0) await sleep(restMs);
    return timeStart(lab, provider);
  });
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
