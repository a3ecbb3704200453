// SPDX-License-Identifier: MIT
// The target `agent`: frames that no runner would send, a hundred at once, to the agent of a guest. Each gets one answer, and afterwards the
// agent does its work as before, with no more memory, threads and files than it had.
import { setTimeout as sleep } from "node:timers/promises";
import { wrongAnswers } from "../agent/answers.ts";
import { encode, type Frame, framesOf } from "../agent/frames.ts";
import { madeOf, seedOf } from "../model/generate/seeded.ts";
import { agentSpecText } from "./agent-spec.ts";
import { traceFewest } from "./fewest.ts";
import { FuzzGuest, type GuestSource } from "./fuzz-guest.ts";
import type { BatchOutcome, Lab, Target, Traced } from "./target.ts";
import { type Complaint, keyOf } from "./trial.ts";
import { type GuestTurns, workInGuests } from "./worker.ts";

const perBatch = 100;
const batchesPerGuest = 30;
/** For all answers of a batch; a frame of 16 MiB takes seconds on a busy host. */
const answersLimitMs = 30_000;
const pollMs = 2;
const attempts = 3;
/** For finding the frames that are enough. */
const shrinkLimitMs = 180_000;
/** What the agent may have more of than at first: threads that wait for work, and what its allocator keeps. */
const allowance = { threads: 8, files: 4, residentKiB: 40_960 };

interface Job {
  readonly number: number;
  readonly frames: readonly Frame[];
}

export const agentTarget: Target = {
  name: "agent",
  summary: "requests that no runner would send, for the agent of a guest",
  counted: [
    { name: "frames", hasRate: true },
    { name: "results", hasRate: false },
  ],
  oracles: ["agent", "kernel health", "resource neutrality", "canary"],
  work: (lab) =>
    workInGuests<Job>(lab, {
      usesPerGuest: batchesPerGuest,
      start: () => startGuest(lab.guests),
      prepare: async (number) => ({
        number,
        frames: madeOf(seedOf(lab.campaign.seed, number), (draw) => framesOf(draw, perBatch)),
      }),
      run: (job, guests) => run(lab, job, guests),
    }),
};

export function startGuest(guests: GuestSource): Promise<FuzzGuest> {
  return FuzzGuest.start(guests, { cpus: 1, blamesAgent: true });
}

async function run(lab: Lab, { number, frames }: Job, guests: GuestTurns): Promise<BatchOutcome> {
  const { campaign } = lab;
  let results = 0;
  const complaints = await guests.use((guest) =>
    campaign.during(
      "talking",
      () =>
        converse(guest, frames, (answers) => {
          results = answers.filter((answer) => "result" in answer).length;
        }),
      `batch ${number}`,
    ),
  );
  const stands: string[] = [];
  for (const complaint of complaints)
    if (await campaign.follow(complaint, (onStep) => trace(lab, frames, complaint, onStep)))
      stands.push(keyOf(complaint));
  return {
    counts: { frames: frames.length, results },
    verdicts: [...frames.map(({ kind }) => kind), ...stands],
  };
}

/** Sends frames all at once; what is wrong with what comes back, and with the guest afterwards. */
export function converse(
  guest: FuzzGuest,
  frames: readonly Frame[],
  onAnswers: (answers: readonly object[]) => void = () => undefined,
): Promise<Complaint[]> {
  return guest.observe(async () => {
    const before = await sizeOf(guest);
    const answers: object[] = [];
    guest.wire.onStray = (answer) => void answers.push(answer);
    try {
      for (const frame of frames) guest.wire.send(encode(frame));
      const giveUpAt = performance.now() + answersLimitMs * guest.calls.slowness;
      while (answers.length < frames.length && performance.now() < giveUpAt) await sleep(pollMs);
      // What has come in between is before this answer, and there is to be no more.
      await guest.calls.call("ping", {});
    } finally {
      guest.wire.onStray = undefined;
    }
    onAnswers(answers);
    const wrong = wrongAnswers(frames, answers);
    return [...wrong, ...grown(before, await sizeOf(guest))].map(
      (one): Complaint => ({ oracle: "agent", ...one }),
    );
  });
}

type Size = Readonly<Record<keyof typeof allowance, number>>;

/** What the agent has: it is process 1. */
async function sizeOf({ api }: FuzzGuest): Promise<Size> {
  const status = await api.readFile("/proc/1/status");
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? Number.NaN);
  return { threads: field("Threads"), files: field("FDSize"), residentKiB: field("VmRSS") };
}

function grown(before: Size, after: Size): { title: string; detail: string }[] {
  return (Object.keys(allowance) as (keyof Size)[])
    .filter((what) => after[what] > before[what] + allowance[what])
    .map((what) => ({ title: `the agent keeps ${what}`, detail: `${before[what]} became ${after[what]}` }));
}

/** The frames that are enough: ever smaller parts, as long as one of them does it. */
async function trace(
  lab: Lab,
  frames: readonly Frame[],
  { oracle, title }: Complaint,
  onStep: (what: string) => void,
): Promise<Traced | undefined> {
  const key = keyOf({ oracle, title });
  const see = async (some: readonly Frame[]): Promise<Complaint | undefined> => {
    onStep(`“${key}” with ${some.length} frames`);
    await using guest = await startGuest(lab.guests);
    const complaints = await converse(guest, some);
    return [...complaints, ...(complaints.length > 0 ? [] : await guest.finish())].find(
      (other) => keyOf(other) === key,
    );
  };
  const limits = { shrinkMs: shrinkLimitMs, attempts };
  return await traceFewest(frames, see, limits, {
    input: (enough) =>
      enough.map(({ payload, kind }) => `${kind}: ${payload.toString("utf8", 0, 2_000)}`).join("\n"),
    spec: agentSpecText,
  });
}
