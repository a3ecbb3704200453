// SPDX-License-Identifier: MIT
// Reads corpora for their report.
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { errnoOf } from "../../runner/support/errors.ts";
import { corporaIn, readStates } from "../run/corpus.ts";
import { mergedFindings } from "../run/findings.ts";
import { readInputs } from "../run/inputs.ts";
import { batchesDone, type CampaignState } from "../run/state.ts";
import { findTarget } from "../run/targets.ts";
import type { CampaignReport, CorpusReport, FuzzReport, ReportedFinding } from "./data.ts";

/** Of the programs that were refused, the newest say as much as all. */
const refusedAtMost = 50;

/** A corpus, or a folder with corpora in it. */
export async function collectReport(folder: string, cwd: string): Promise<FuzzReport> {
  const corpora: CorpusReport[] = [];
  for (const path of await corporaIn(folder)) {
    const states = [...(await readStates(path)).values()];
    for (const target of new Set(states.map((state) => state.target)))
      corpora.push(
        await collectCorpus(
          path,
          states.filter((state) => state.target === target),
          cwd,
        ),
      );
  }
  return { createdAt: new Date().toISOString(), corpora };
}

async function collectCorpus(
  folder: string,
  states: readonly CampaignState[],
  cwd: string,
): Promise<CorpusReport> {
  const name = states[0]?.target ?? "";
  const target = findTarget(name);
  const sums: Record<string, number> = {};
  for (const { counts } of states)
    for (const [what, count] of Object.entries(counts)) sums[what] = (sums[what] ?? 0) + count;
  return {
    target: name,
    folder: relative(cwd, folder) || ".",
    counted: target?.counted ?? Object.keys(sums).map((what) => ({ name: what, hasRate: true })),
    remarks: target?.remarks?.(sums) ?? [],
    campaigns: states.map(campaignReport),
    findings: await Promise.all(
      mergedFindings(states).map(async (finding): Promise<ReportedFinding> => {
        const spec = await textOf(join(folder, finding.file));
        return spec === undefined ? finding : { ...finding, spec };
      }),
    ),
    refused: await refusedIn(folder),
    inputs: (await readInputs(folder)).size,
  };
}

function campaignReport(state: CampaignState): CampaignReport {
  const { seed, shard, kernel, counts, elapsedMs, unconfirmed, digest, covered, findings, history } = state;
  return {
    ...{ seed, shard, kernel, counts, elapsedMs, unconfirmed, digest },
    ...(covered === undefined ? {} : { covered }),
    batches: batchesDone(state),
    findings: findings.length,
    samples: history.samples,
  };
}

async function refusedIn(folder: string): Promise<{ name: string; text: string }[]> {
  const names = await readdir(join(folder, "refused")).catch(() => []);
  const sources = names
    .filter((name) => name.endsWith(".rs"))
    .sort()
    .slice(0, refusedAtMost);
  const texts = await Promise.all(sources.map((name) => textOf(join(folder, "refused", name))));
  return sources.flatMap((name, at) => {
    const text = texts[at];
    return text === undefined ? [] : [{ name, text }];
  });
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
