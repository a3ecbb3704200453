// SPDX-License-Identifier: MIT
// The target `programs`: batches of generated programs, each in one object, run in a guest that lasts for many batches.
import type { OptLevel } from "../../runner/test/programs/source.ts";
import { inputsAt, mutantsOf, programsOf } from "../model/arbitrary.ts";
import type { Program } from "../model/ast.ts";
import { type Schedule, scheduleAt } from "../model/schedule.ts";
import { canRun } from "./expected.ts";
import { FuzzGuest } from "./fuzz-guest.ts";
import type { Blame } from "./guidance.ts";
import { shortHash } from "./hash.ts";
import { hunt } from "./hunt.ts";
import { type Batch, type Built, build } from "./object.ts";
import { compileAt, optLevelAt } from "./opt-level.ts";
import { moduleText, specText } from "./spec-file.ts";
import { jointText } from "./spec-together.ts";
import { huntAgain, isWhole, keptTrial, suspectOf } from "./suspect.ts";
import type { BatchOutcome, Counts, Lab, Target, Traced } from "./target.ts";
import { huntTogether } from "./together.ts";
import { type Complaint, keyOf, type Trial } from "./trial.ts";
import { trialAt } from "./trials.ts";
import { type GuestTurns, workInGuests } from "./worker.ts";

/** Programs in an object: more of them take longer to bisect, fewer to compile and load. */
export const batchPrograms = 96;
const batchesPerGuest = 20;
const shrinkLimitMs = 90_000;

export const programsTarget: Target = {
  name: "programs",
  runsTheCrate: true,
  summary: "generated programs, whose results, endings, maps and stack are predicted",
  counted: [
    { name: "programs", hasRate: true },
    { name: "executions", hasRate: true },
    { name: "undecided", hasRate: false },
    { name: "refused", hasRate: false },
  ],
  oracles: [
    "prediction",
    "kernel health",
    "resource neutrality",
    "termination",
    "stack bound",
    "metamorphic",
    "other CPUs",
    "canary",
  ],
  remarks: compileRate,
  work: (lab) =>
    workInGuests(lab, {
      usesPerGuest: batchesPerGuest,
      start: (cpus) => FuzzGuest.start(lab.guests, { cpus, translations: lab.guidance?.translations }),
      prepare: (batch) => prepare(lab, batch),
      run: (job, guests) => run(lab, job, guests),
    }),
};

function compileRate({ programs = 0, refused = 0 }: Counts): readonly string[] {
  const tried = programs + refused;
  return tried === 0 ? [] : [`${((100 * programs) / tried).toFixed(2)} % compile`];
}

/** A CPU that is alone has to end its programs itself; with another one there, that one may have to. */
function cpusOf(batch: number): number {
  return 1 + ((Math.imul(batch + 1, 0x9e37_79b1) >>> 16) & 1);
}

/** Every other batch, by and large. */
function isGuided(seed: number, batch: number): boolean {
  return ((Math.imul(batch + 1, 0x85eb_ca6b) ^ Math.imul(seed + 1, 0xc2b2_ae35)) >>> 20) % 2 === 1;
}

/** Not of those that another version has kept, whose programs were others. */
function parentsOf(kept: readonly unknown[]): Program[] {
  return kept.flatMap((input) => {
    const { program } = input as { readonly program?: Program };
    return isWhole(program) ? [program] : [];
  });
}

interface Job extends Built {
  readonly cpus: number;
  readonly optLevel: OptLevel | undefined;
  readonly undecided: number;
  readonly trials: readonly Trial[];
}

async function prepare({ campaign, compile, guidance }: Lab, batch: number): Promise<Job> {
  const { seed, corpus } = campaign;
  const first = batch * batchPrograms;
  const parents = parentsOf(campaign.inputsFor(batch));
  const programs =
    parents.length > 0 && isGuided(seed, batch)
      ? mutantsOf(seed, first, batchPrograms, parents)
      : programsOf(seed, first, batchPrograms);
  const trials = programs.flatMap((program, index): Trial[] => {
    const inputs = inputsAt(seed, first + index);
    const trial = trialAt(program, inputs, { batch, index: first + index });
    return trial === undefined ? [] : [trial];
  });
  const schedule = scheduleAt(seed, batch);
  const optLevel = optLevelAt(seed, batch);
  const built = await campaign.during(
    "compiling",
    () =>
      build(trials, schedule, compileAt(optLevel, compile), {
        watchesCrate: guidance?.translations !== undefined,
      }),
    `batch ${batch}`,
  );
  for (const { source, rendered } of built.refusals)
    campaign.note(`a program does not compile: ${await corpus.keepRefused(source, rendered)}`);
  return { ...built, cpus: cpusOf(batch), optLevel, undecided: batchPrograms - trials.length, trials };
}

async function run(lab: Lab, job: Job, guests: GuestTurns): Promise<BatchOutcome> {
  const stands: string[] = [];
  for (const batch of job.batches) stands.push(...(await runObject(lab, batch, job, guests)));
  const trials = job.batches.flatMap((batch) => batch.trials);
  const ran = job.batches.flatMap((batch) =>
    batch.trials.filter((trial) => canRun(trial, batch.company?.schedule, job.cpus)),
  );
  const counts = {
    programs: trials.length,
    executions: ran.reduce((sum, { prediction }) => sum + prediction.runs.length, 0),
    undecided: job.undecided,
    refused: job.refusals.length,
  };
  const tried = job.trials.map((trial) => shortHash(JSON.stringify(keptTrial(trial))));
  return { counts, verdicts: [...tried, ...job.refusals.map(({ source }) => shortHash(source)), ...stands] };
}

/** The complaints that there was something to. */
async function runObject(
  lab: Lab,
  batch: Batch,
  { cpus, optLevel }: Job,
  guests: GuestTurns,
): Promise<string[]> {
  const all = [...batch.trials.keys()];
  const complaints = await guests.use(
    (guest) => lab.campaign.during("running", () => guest.run(batch, all), `${all.length} programs`),
    { kind: cpus, blame: blameOf(lab, batch) },
  );
  const stands: string[] = [];
  const kinds = new Map(complaints.map((complaint) => [keyOf(complaint), complaint]));
  for (const [key, complaint] of kinds)
    if (
      await lab.campaign.follow(complaint, (onStep) =>
        trace(lab, batch, complaint, { cpus, optLevel, onStep }),
      )
    )
      stands.push(key);
  return stands;
}

function blameOf({ campaign }: Lab, batch: Batch): Blame {
  return {
    inputs: batch.trials.length,
    again: (guest, some) => guest.run(batch, some),
    keep: async (at, raised) => {
      const trial = batch.trials[at];
      if (trial !== undefined) await campaign.keep(keptTrial(trial), raised);
    },
  };
}

async function trace(
  { campaign, guests, compile }: Lab,
  batch: Batch,
  complaint: Complaint,
  { optLevel, ...how }: Pick<Job, "cpus" | "optLevel"> & { readonly onStep: (what: string) => void },
): Promise<Traced | undefined> {
  const options = {
    guests,
    compile: compileAt(optLevel, compile),
    shrinkLimitMs,
    ...how,
    onSuspect: (trial: Trial, schedule: Schedule | undefined) =>
      campaign.suspect(complaint, { ...keptTrial(trial), schedule }),
  };
  const before = suspectOf(campaign.suspectOf(complaint));
  const finding =
    (before && (await huntAgain(before, complaint, options, hunt))) ??
    (await hunt(batch, [...batch.trials.keys()], complaint, {
      ...options,
      schedule: batch.company?.schedule,
    }));
  const { seed, kernel } = campaign;
  if (finding === undefined) {
    const joint = await huntTogether(batch, complaint, { ...options, schedule: batch.company?.schedule });
    if (joint === undefined) return undefined;
    return {
      ...joint,
      input: joint.trials.map(({ program }) => moduleText(program)).join("\n"),
      spec: (path) => jointText(joint, { seed, kernel, optLevel }, path),
    };
  }
  return {
    ...finding,
    input: moduleText(finding.trial.program),
    kept: keptTrial(finding.trial),
    spec: (path) => specText(finding, { seed, kernel, optLevel }, path),
  };
}
