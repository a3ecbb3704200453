// SPDX-License-Identifier: MIT
// The target `loader`: valid objects, damaged where the loader looks, by the thousand. The agent's load trial damages and loads them
// (docs/decisions/runner-load-trials.md): whatever it is given, the kernel takes it or refuses it with a sentence, and keeps nothing.

import { readFile } from "node:fs/promises";
import { programsOf } from "../model/arbitrary.ts";
import { printForGuest } from "../model/files.ts";
import { FuzzGuest } from "./fuzz-guest.ts";
import type { ObjectSource } from "./loader-spec.ts";
import { loaderSpecText } from "./loader-spec.ts";
import type { BatchOutcome, Lab, Target, Traced } from "./target.ts";
import { type Complaint, keyOf } from "./trial.ts";
import { type GuestTurns, workInGuests } from "./worker.ts";

/** Objects in one request. */
const roundsPerBatch = 1_000;
const batchesPerGuest = 50;
/** Objects that are damaged; each has other maps, programs and imports. */
const objects = 6;
const trialLimitMs = 60_000;
const attempts = 3;

/** What the agent's load trial does with the object. */
type Trial = "mutate" | "attrs";

export const loaderTarget: Target = trialTarget(
  {
    name: "loader",
    summary: "valid objects, damaged where the kernel's loader looks",
    counted: [
      { name: "objects", hasRate: true },
      { name: "loaded", hasRate: false },
    ],
  },
  "mutate",
);

/** Calls of bpf(2), see rex-crate/rex-agent/src/trial/attrs.rs. */
export const bpfTarget: Target = trialTarget(
  {
    name: "bpf",
    summary: "wrong attrs for the Rex commands of bpf(2), and for eBPF's with Rex programs",
    counted: [
      { name: "calls", hasRate: true },
      { name: "taken", hasRate: false },
    ],
  },
  "attrs",
);

function trialTarget(about: Pick<Target, "name" | "summary" | "counted">, kind: Trial): Target {
  return {
    ...about,
    oracles: ["prediction", "kernel health", "resource neutrality", "termination", "canary"],
    work: (lab) => {
      const victims = new Victims(lab, kind);
      return workInGuests(lab, {
        usesPerGuest: batchesPerGuest,
        prepare: (batch) => victims.job(batch),
        run: (job, guests) => run(lab, about, job, guests),
      });
    },
  };
}

interface Report {
  readonly loaded: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly silent: number;
  /** Calls that were to go well and did not, or the other way round. */
  readonly unexpected?: readonly string[];
}

interface Victim {
  readonly source: ObjectSource;
  readonly bytes: Buffer;
}

interface Job extends Victim {
  readonly number: number;
  readonly seed: number;
  readonly kind: Trial;
}

/** The valid objects, each built once. */
class Victims {
  readonly #lab: Lab;
  readonly #kind: Trial;
  readonly #built = new Map<number, Promise<Victim>>();

  constructor(lab: Lab, kind: Trial) {
    this.#lab = lab;
    this.#kind = kind;
  }

  async job(number: number): Promise<Job> {
    const { seed } = this.#lab.campaign;
    const victim = await this.#victim(number % objects);
    return { number, kind: this.#kind, ...victim, seed: (Math.imul(seed, 1_000_003) + number) >>> 0 };
  }

  #victim(index: number): Promise<Victim> {
    const known = this.#built.get(index) ?? this.#build(index);
    this.#built.set(index, known);
    // What has failed is tried again.
    known.catch(() => this.#built.delete(index));
    return known;
  }

  async #build(index: number): Promise<Victim> {
    const { campaign, compile } = this.#lab;
    const { text } = printForGuest(programsOf(campaign.seed, index, 1));
    const source = { name: "victim", text };
    const result = await campaign.during("compiling", () => compile({ kind: "inline", ...source }));
    if (!result.ok) throw new Error(`the object to be damaged does not compile: ${result.rendered}`);
    return { source, bytes: await readFile(result.object) };
  }
}

async function run(
  lab: Lab,
  { counted }: Pick<Target, "counted">,
  job: Job,
  guests: GuestTurns,
): Promise<BatchOutcome> {
  const { campaign } = lab;
  let report: Report | undefined;
  const complaints = await guests.use((guest) =>
    campaign.during(
      "running",
      () =>
        tryLoading(guest, job, roundsPerBatch, (seen) => {
          report = seen;
        }),
      `batch ${job.number}`,
    ),
  );
  const stands: string[] = [];
  for (const complaint of complaints)
    if (await campaign.follow(complaint, (onStep) => trace(lab, job, complaint, onStep)))
      stands.push(keyOf(complaint));
  const { loaded = 0, refused = {} } = report ?? {};
  return {
    counts: { [counted[0]?.name ?? ""]: roundsPerBatch, [counted[1]?.name ?? ""]: loaded },
    verdicts: [String(job.seed), JSON.stringify([loaded, Object.entries(refused).sort()]), ...stands],
  };
}

async function trace(
  lab: Lab,
  job: Job,
  complaint: Complaint,
  onStep: (what: string) => void,
): Promise<Traced | undefined> {
  const key = keyOf(complaint);
  const rounds = await fewestRounds(lab, job, key, onStep);
  const again = await reproduce(lab, job, key, rounds);
  const last = again.at(-1);
  if (last === undefined) return undefined;
  const { kernel } = lab.campaign;
  const about = { key, detail: last.detail, reproduced: again.length, attempts, kernel };
  return {
    complaint: last,
    reproduced: again.length,
    attempts,
    input: `object ${rounds} of the seed ${job.seed}, a damaged copy of\n${job.source.text}`,
    spec: (path) => loaderSpecText(job.source, { [job.kind]: { seed: job.seed, rounds } }, about, path),
  };
}

/** The seed's objects up to the first that does it. */
async function fewestRounds(
  lab: Lab,
  job: Job,
  key: string,
  onStep: (what: string) => void,
): Promise<number> {
  let [enough, tooFew] = [roundsPerBatch, 0];
  while (enough - tooFew > 1) {
    const middle = (enough + tooFew) >> 1;
    onStep(`“${key}” is brought about by one of ${enough - tooFew} objects`);
    if (await isBroughtAbout(lab, job, key, middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

async function reproduce(lab: Lab, job: Job, key: string, rounds: number): Promise<Complaint[]> {
  const found: Complaint[] = [];
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const complaint = await isBroughtAbout(lab, job, key, rounds);
    if (complaint !== undefined) found.push(complaint);
  }
  return found;
}

async function isBroughtAbout(
  { guests }: Lab,
  job: Job,
  key: string,
  rounds: number,
): Promise<Complaint | undefined> {
  await using guest = await FuzzGuest.start(guests);
  return (await tryLoading(guest, job, rounds)).find((other) => keyOf(other) === key);
}

function tryLoading(
  guest: FuzzGuest,
  { bytes, seed, kind }: Job,
  rounds: number,
  onReport: (report: Report) => void = () => undefined,
): Promise<Complaint[]> {
  return guest.observe(async () => {
    const stdin = Buffer.concat([Buffer.from(`${JSON.stringify({ [kind]: { seed, rounds } })}\n`), bytes]);
    const ran = await guest.api.exec(["/init", "load-trial"], {
      root: "guest",
      stdin,
      timeoutMs: trialLimitMs,
    });
    if (ran.timedOut) return [complaint("termination", "a load does not come back", ran.stderr)];
    if (ran.status !== 0)
      return [
        complaint("kernel health", "the load trial ended early", `${ran.status} ${ran.signal} ${ran.stderr}`),
      ];
    const report = JSON.parse(ran.stdout) as Report;
    onReport(report);
    return judgeReport(report, rounds);
  });
}

function judgeReport({ loaded, refused, silent, unexpected = [] }: Report, rounds: number): Complaint[] {
  const sum = Object.values(refused).reduce((total, count) => total + count, loaded);
  const complaints: Complaint[] = [];
  if (silent > 0)
    complaints.push(complaint("prediction", "a refusal without a sentence", `${silent} of them`));
  if (sum !== rounds)
    complaints.push(complaint("prediction", "a load without an answer", `${sum} answers to ${rounds} loads`));
  for (const call of unexpected) {
    const [, told] = /: (Ok|Err)\([^()]*\)$/.exec(call) ?? [];
    const title = told === "Ok" ? "a wrong attr is taken" : "a right attr is refused";
    complaints.push(complaint("prediction", title, call));
  }
  return complaints;
}

function complaint(oracle: Complaint["oracle"], title: string, detail: string): Complaint {
  return { oracle, title, detail };
}
