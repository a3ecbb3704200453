// SPDX-License-Identifier: MIT
// Trials on guests of their own, by which it is told who is to blame.
import { FuzzGuest, type GuestSource } from "./fuzz-guest.ts";
import type { Batch } from "./object.ts";
import { type Complaint, isSameThing } from "./trial.ts";

/** Trials that are run together when a culprit is looked for among many. */
const groupAtMost = 8;

export interface FreshGuests {
  readonly guests: GuestSource;
  readonly cpus: number;
  /** It need not be certain yet: a guest that does not answer is given up soon. */
  readonly hurries?: boolean;
}

/** On a guest of its own, whose end counts too. */
export async function runFresh(
  batch: Batch,
  chosen: readonly number[],
  { guests, cpus, hurries = false }: FreshGuests,
): Promise<Complaint[]> {
  await using guest = await FuzzGuest.start(guests, { cpus, hurries });
  const complaints = await guest.run(batch, chosen);
  return complaints.length > 0 ? complaints : await guest.finish();
}

/** The first trial that has the complaint, of trials that are run one by one in the same guest; of many, group by group before. */
export async function firstGuilty(
  batch: Batch,
  chosen: readonly number[],
  complaint: Complaint,
  fresh: FreshGuests,
): Promise<number | undefined> {
  const size = chosen.length > groupAtMost ? groupAtMost : 1;
  const groups = Array.from({ length: Math.ceil(chosen.length / size) }, (_, at) =>
    chosen.slice(at * size, (at + 1) * size),
  );
  let guilty: readonly number[] | undefined;
  for (let rest = groups; rest.length > 0; ) {
    await using guest = await FuzzGuest.start(fresh.guests, { cpus: fresh.cpus, hurries: true });
    const left = rest;
    rest = [];
    for (const [at, group] of left.entries()) {
      const complaints = await guest.run(batch, group);
      if (complaints.length === 0) continue;
      if (complaints.some((other) => isSameThing(other, complaint))) guilty = group;
      else rest = left.slice(at + 1);
      break;
    }
  }
  if (guilty === undefined || guilty.length === 1) return guilty?.[0];
  return firstGuilty(batch, guilty, complaint, fresh);
}
