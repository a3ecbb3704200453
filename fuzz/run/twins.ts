// SPDX-License-Identifier: MIT
// Compares what was seen of programs with what was seen of variants of them. Pure, as judge.ts.
import { mapNames } from "../interpret/prediction.ts";
import { keysPerProgram, runsPerProgram } from "../model/helpers.ts";
import { expectedOf } from "./expected.ts";
import type { Seen, SeenRun } from "./judge.ts";
import type { Batch } from "./object.ts";
import type { Complaint } from "./trial.ts";

/** How far they come before depends on what the compiler makes of them. */
const notCompared = new Set(["timeout", "stack_overflow"]);

export function twinComplaints(batch: Batch, seen: Seen): Complaint[] {
  return [...batch.twins].flatMap(([trial, { index }]): Complaint[] => {
    const [own, others] = [seen.runs.get(trial), seen.runs.get(index)];
    const found = batch.trials[trial];
    if (found === undefined || own === undefined || others === undefined) return [];
    // Other allocations may have failed.
    if (expectedOf(found, batch.company?.schedule) !== found.prediction) return [];
    const depends = [...own, ...others].some(({ exits }) =>
      exits.some(({ reason }) => notCompared.has(reason)),
    );
    if (depends) return [];
    const [wanted, got] = [summary(trial, own, seen), summary(index, others, seen)];
    const part = Object.keys(wanted).find((name) => wanted[name] !== got[name]);
    if (part === undefined) return [];
    const detail = `${part} of the program: ${wanted[part]}\n${part} of its variant: ${got[part]}`;
    return [
      { oracle: "metamorphic", title: `the variant ${found.variant} has other ${part}`, detail, trial },
    ];
  });
}

/** What has to be the same, as text. */
function summary(index: number, runs: readonly SeenRun[], seen: Seen): Readonly<Record<string, string>> {
  const values = runs.map((_, at) => seen.out.get(index * runsPerProgram + at) ?? 0n);
  const maps = mapNames.map((name) => {
    const own = [...(seen.maps.get(name) ?? [])].filter(
      ([key]) => Math.floor(key / keysPerProgram) === index,
    );
    const pairs = own.map(([key, value]) => [key % keysPerProgram, value] as const).sort(([a], [b]) => a - b);
    return [name, pairs.map(([key, value]) => `${key}: ${value}`).join(", ")] as const;
  });
  return {
    endings: runs.map(ending).join("; "),
    results: values.join(", "),
    packets: runs
      .map((run) => ("packet" in run ? `${run.retval} ${run.packet.join()}` : run.errno))
      .join("; "),
    ...Object.fromEntries(maps),
    records: (seen.records.get(index) ?? []).map((record) => record.join()).join("; "),
  };
}

function ending({ exits }: SeenRun): string {
  return exits
    .map(({ reason, message, released }) => `${reason} ${message ?? ""} [${released.join()}]`)
    .join("+");
}
