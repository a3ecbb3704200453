// SPDX-License-Identifier: MIT
// The end of a run for people: everything that went wrong in full, then the counts.
import { join, relative } from "node:path";
import type { CoverageSummary } from "../../coverage/collector.ts";
import { coverageTable } from "../../coverage/table.ts";
import { formatDuration, plural } from "../../support/format.ts";
import type { Paint } from "../../support/style.ts";
import { groupSplats } from "../outcome/splat-groups.ts";
import type { RunSummary } from "./reporter.ts";
import { countsText, errorText, failureText, indent, outcomeMarks } from "./text.ts";

const mostTitles = 10;

/** What several tests have in common; of one alone the failure has said it. */
function splatLines({ tests }: RunSummary): readonly string[] {
  const failed = tests.flatMap(({ verdict }) => {
    const splats = verdict.failure?.report?.splats ?? [];
    return splats.length > 0 ? [splats] : [];
  });
  if (failed.length < 2) return [];
  const lines = groupSplats(failed)
    .slice(0, mostTitles)
    .map(({ title, splats, tests: seen }) => `  ${splats}×  ${title}  (${plural(seen, "test")})`);
  return ["\nsplats by title", ...lines];
}

function coverageText({ files, folder, notes }: CoverageSummary, cwd: string, paint: Paint): string {
  const [page, tracefile] = ["index.html", "lcov.info"].map((name) => relative(cwd, join(folder, name)));
  return `\ncoverage of the runtime  ${paint("dim", notes.join("; "))}\n${indent(coverageTable(files), 2)}\n  ${page}, ${tracefile}`;
}

export function summaryText(summary: RunSummary, cwd: string, paint: Paint): string {
  const parts: string[] = [];
  for (const { file, message, phase } of summary.brokenFiles) {
    const title = phase === "hooks" ? "HOOKS FAILED" : "NOT LOADED";
    parts.push(`\n${paint("red", `${outcomeMarks.failed} ${title}  ${file}`)}\n${indent(message, 2)}`);
  }
  for (const test of summary.tests) {
    const { kind } = test.verdict.outcome;
    if (kind !== "passed" && kind !== "never-ran") parts.push(`\n${failureText(test, cwd, paint)}`);
  }
  for (const error of summary.stray)
    parts.push(`\n${paint("yellow", "! outside of any test")}\n${errorText(error, "", paint)}`);
  parts.push(...splatLines(summary));
  if (summary.coverage !== undefined) parts.push(coverageText(summary.coverage, cwd, paint));
  const flaky = summary.tests.filter((test) => test.flaky).length;
  const remark = flaky > 0 ? paint("yellow", ` (${flaky} flaky)`) : "";
  const counts = countsText(summary.counts, summary.ignored.length, paint);
  parts.push(`\n${counts}${remark} in ${formatDuration(summary.durationMs)}`);
  if (summary.shuffleSeed !== undefined) parts.push(`shuffled with the seed ${summary.shuffleSeed}`);
  if (summary.interrupted) parts.push("interrupted: the other tests never ran");
  else if (summary.stopped !== undefined) parts.push(`stopped: ${summary.stopped}`);
  return `${parts.join("\n")}\n`;
}
