// SPDX-License-Identifier: MIT
// What a run of mutants says: a line for each as it ends, a table, and a file for programs.
import { publishFile } from "../support/cache.ts";
import { formatDuration, formatTable } from "../support/format.ts";
import type { Trial, Verdict } from "./trial.ts";

const marks: Readonly<Record<Verdict, string>> = {
  killed: "✓ killed  ",
  survived: "✗ SURVIVED",
  error: "! error   ",
};

export function trialLine(trial: Trial): string {
  const { verdict, mutant, promise, noticedBy, why } = trial;
  const times = `(built in ${formatDuration(trial.buildMs)}, specs ${formatDuration(trial.specsMs)})`;
  const head = `${marks[verdict]} ${mutant}: ${promise}  ${times}`;
  if (verdict === "killed") return `${head}\n    ${noticedBy[0] ?? ""}\n    ${why}`;
  return `${head}\n${why.replaceAll(/^(?=.)/gm, "    ")}`;
}

export function trialTable(trials: readonly Trial[]): string {
  const sorted = trials.toSorted((a, b) => (a.mutant < b.mutant ? -1 : 1));
  return formatTable([
    ["mutant", "verdict", "s", "noticed by"],
    ...sorted.map(({ mutant, verdict, buildMs, specsMs, noticedBy }) => [
      mutant,
      verdict === "killed" ? verdict : verdict.toUpperCase(),
      ((buildMs + specsMs) / 1000).toFixed(1),
      noticedBy[0] ?? "",
    ]),
  ]);
}

export function counts(trials: readonly Trial[]): Readonly<Record<Verdict, number>> {
  const of = (verdict: Verdict) => trials.filter((trial) => trial.verdict === verdict).length;
  return { killed: of("killed"), survived: of("survived"), error: of("error") };
}

export function countsText(trials: readonly Trial[], totalMs: number): string {
  const { killed, survived, error } = counts(trials);
  return `${killed} killed, ${survived} survived, ${error} could not be tried in ${formatDuration(totalMs)}`;
}

/** `{ counts, totalMs, trials }` as JSON. */
export async function writeReport(path: string, trials: readonly Trial[], totalMs: number): Promise<void> {
  await publishFile(path, `${JSON.stringify({ counts: counts(trials), totalMs, trials }, null, 2)}\n`);
}
