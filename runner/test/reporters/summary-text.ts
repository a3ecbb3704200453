// SPDX-License-Identifier: MIT
// The end of a run for people: everything that went wrong in full, then the counts.
import { formatDuration } from "../../support/format.ts";
import type { Paint } from "../../support/style.ts";
import type { RunSummary } from "./reporter.ts";
import { countsText, errorText, failureText, indent, outcomeMarks } from "./text.ts";

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
  const flaky = summary.tests.filter((test) => test.flaky).length;
  const remark = flaky > 0 ? paint("yellow", ` (${flaky} flaky)`) : "";
  const counts = countsText(summary.counts, summary.ignored.length, paint);
  parts.push(`\n${counts}${remark} in ${formatDuration(summary.durationMs)}`);
  if (summary.shuffleSeed !== undefined) parts.push(`shuffled with the seed ${summary.shuffleSeed}`);
  if (summary.interrupted) parts.push("interrupted: the other tests never ran");
  else if (summary.stopped !== undefined) parts.push(`stopped: ${summary.stopped}`);
  return `${parts.join("\n")}\n`;
}
