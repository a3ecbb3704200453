// SPDX-License-Identifier: MIT
// What is to happen to a trial, with what goes on meanwhile.
import { needsTwoCpus, type Prediction } from "../interpret/prediction.ts";
import { allocates, isTame } from "../model/facts.ts";
import { lacksMemory, type Schedule } from "../model/schedule.ts";
import type { Trial } from "./trial.ts";

/**
 * When memory may run short, nothing is known of what a program does that allocates. Undefined: it is not to be run, since it might do what others
 * would notice.
 */
export function expectedOf(
  { program, prediction }: Trial,
  schedule: Schedule | undefined,
): Prediction | undefined {
  if (!lacksMemory(schedule) || !allocates(program)) return prediction;
  return isTame(program) ? { runs: prediction.runs.map(() => ({ kind: "unknown" })) } : undefined;
}

export function canRun(trial: Trial, schedule: Schedule | undefined, cpus: number): boolean {
  const expected = expectedOf(trial, schedule);
  return expected !== undefined && (cpus > 1 || !needsTwoCpus(expected));
}
