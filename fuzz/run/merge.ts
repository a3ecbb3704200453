// SPDX-License-Identifier: MIT
// One corpus of several, as machines bring them back: each campaign as far as it has come, each finding once, and of the inputs those that
// add something. Merging twice, or in another order, makes the same.
import { copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { publishFile } from "../../runner/support/cache.ts";
import { errnoOf, RexTestError } from "../../runner/support/errors.ts";
import { corporaIn, readStates } from "./corpus.ts";
import { better } from "./findings.ts";
import { type KeptInput, minimised, readInputs } from "./inputs.ts";
import { batchesDone, type CampaignState, type FoundThing } from "./state.ts";

export interface Merged {
  readonly target: string;
  readonly campaigns: number;
  readonly findings: number;
  readonly inputs: number;
  /** That added nothing. */
  readonly dropped: number;
}

/** What is in `out` already takes part. */
export async function mergeCorpora(folders: readonly string[], out: string): Promise<Merged> {
  await mkdir(join(out, "findings"), { recursive: true });
  const given = (await Promise.all(folders.map(corporaIn))).flat();
  const sources = new Set([out, ...given].map((folder) => resolve(folder)));
  const states = new Map<string, CampaignState>();
  const targets = new Set<string>();
  const inputs = new Map<string, KeptInput>();
  const best = new Map<string, { readonly finding: FoundThing; readonly folder: string }>();
  for (const folder of sources) {
    for (const [name, state] of await readStates(folder)) {
      targets.add(state.target);
      const known = states.get(name);
      if (known === undefined || batchesDone(state) > batchesDone(known)) states.set(name, state);
      for (const finding of state.findings) {
        const other = best.get(finding.file);
        if (other === undefined || better(other.finding, finding) === finding)
          best.set(finding.file, { finding, folder });
      }
    }
    for (const [name, input] of await readInputs(folder)) if (!inputs.has(name)) inputs.set(name, input);
    await copyRefused(folder, out);
  }
  const target = onlyTarget([...targets].sort(), out);
  for (const [file, { folder }] of best)
    if (folder !== resolve(out)) await copySpec(join(folder, file), join(out, file));
  const kept = minimised(inputs);
  await writeInputs(inputs, kept, out);
  // At last, so that a merge that was interrupted can be done again.
  for (const [name, state] of states)
    await publishFile(join(out, name), `${JSON.stringify(withBest(state, best), null, 1)}\n`);
  const dropped = inputs.size - kept.size;
  return { target, campaigns: states.size, findings: best.size, inputs: kept.size, dropped };
}

/** The spec that is kept may be that of another campaign; then so is the input. */
function withBest(
  state: CampaignState,
  best: ReadonlyMap<string, { readonly finding: FoundThing }>,
): CampaignState {
  const findings = state.findings.map((finding): FoundThing => {
    const { input, reproduced, attempts } = best.get(finding.file)?.finding ?? finding;
    return { ...finding, ...(input === undefined ? {} : { input }), reproduced, attempts };
  });
  return { ...state, findings };
}

function onlyTarget(targets: readonly string[], out: string): string {
  const [target, ...others] = targets;
  if (target === undefined)
    throw new RexTestError("there is nothing to merge", { where: out, hint: "name the corpora" });
  if (others.length > 0)
    throw new RexTestError(`corpora of different targets can't be one: ${targets.join(", ")}`, {
      hint: "merge those of each target into a corpus of its own",
    });
  return target;
}

async function copySpec(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT") throw cause;
    throw new RexTestError("a finding has no spec", {
      where: from,
      hint: "merge whole corpora, with the folder findings/",
      cause,
    });
  }
}

async function writeInputs(
  all: ReadonlyMap<string, KeptInput>,
  kept: ReadonlyMap<string, KeptInput>,
  out: string,
): Promise<void> {
  await mkdir(join(out, "inputs"), { recursive: true });
  for (const [name, input] of kept)
    await publishFile(join(out, "inputs", name), `${JSON.stringify(input)}\n`);
  for (const name of all.keys()) if (!kept.has(name)) await rm(join(out, "inputs", name), { force: true });
}

async function copyRefused(folder: string, out: string): Promise<void> {
  if (folder === resolve(out)) return;
  const names = await readdir(join(folder, "refused")).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  for (const name of names.filter((file) => file.endsWith(".rs")))
    await publishFile(join(out, "refused", name), await readFile(join(folder, "refused", name)));
}
