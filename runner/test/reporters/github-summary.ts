// SPDX-License-Identifier: MIT
// The summary of a job as GitHub shows it on the run's page: counts, and each failure to be unfolded.
import type { CoverageSummary } from "../../coverage/collector.ts";
import { percent } from "../../coverage/lines.ts";
import { outcomeKinds, outcomeWords } from "../outcome/outcome.ts";
import type { RunSummary, TestReport } from "./reporter.ts";
import { consoleText, exitText, outcomeMarks } from "./text.ts";

/** GitHub drops a summary of more than 1 MiB; what is left out is in the artifacts. */
const mostBytes = 900 * 1024;
const mostConsoleLines = 60;

export function markdownSummary(summary: RunSummary, duration: (ms: number) => string): string {
  const { counts, ignored, tests, brokenFiles } = summary;
  const heading = summary.exitCode === 0 ? "rex-test: all passed" : "rex-test";
  const rows = outcomeKinds
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `| ${outcomeMarks[kind]} ${outcomeWords(kind)} | ${counts[kind]} |`);
  if (ignored.length > 0) rows.push(`| ignored | ${ignored.length} |`);
  const flaky = tests.filter((test) => test.flaky);
  if (flaky.length > 0) rows.push(`| of the passed, flaky | ${flaky.length} |`);
  let text = [`## ${heading}`, "", "| outcome | tests |", "| --- | ---: |", ...rows].join("\n");
  text += `\n\n${duration(summary.durationMs)}${summary.interrupted ? ", interrupted" : ""}\n`;
  if (summary.coverage !== undefined) text += `\n${coverageSentence(summary.coverage)}\n`;
  for (const { file, message } of brokenFiles)
    text += `\n<details><summary>${html(file)}: not loaded</summary>\n\n${fenced(message)}\n</details>\n`;
  const bad = tests.filter(({ verdict: { outcome } }) => !["passed", "never-ran"].includes(outcome.kind));
  for (const [index, test] of bad.entries()) {
    const section = failureSection(test);
    if (Buffer.byteLength(text) + Buffer.byteLength(section) > mostBytes)
      return `${text}\n… and ${bad.length - index} more\n`;
    text += section;
  }
  return text;
}

function coverageSentence({ total: { lines, branches, functions }, notes }: CoverageSummary): string {
  const parts = [
    `${percent(lines)} of ${lines.found} lines`,
    `${percent(branches)} of ${branches.found} branches`,
    `${percent(functions)} of ${functions.found} functions`,
  ];
  return `Of the runtime ran ${parts.join(", ")} (${html(notes.join("; "))}).`;
}

function failureSection(test: TestReport): string {
  const { outcome, failure } = test.verdict;
  const title = `${outcomeMarks[outcome.kind]} <b>${outcomeWords(outcome.kind)}</b> ${html(`${test.file} > ${test.name}`)}`;
  const told = [
    outcome.kind === "passed" ? "" : outcome.reason,
    ...test.errors.map(({ diff }) => diff ?? ""),
    ...(failure?.exits ?? []).map(exitText),
    failure?.report ? consoleText(failure.report).split("\n").slice(0, mostConsoleLines).join("\n") : "",
  ].filter((part) => part !== "");
  const rerun = fenced(test.rerun);
  return `\n<details><summary>${title}</summary>\n\n${fenced(told.join("\n\n"))}\nRun it again:\n\n${rerun}\n</details>\n`;
}

/** A fence that is longer than any in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}\n`;
}

/** Text between tags, in a line of Markdown. */
function html(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/[\r\n]+/g, " ")
    .replaceAll(/[\\`*_{}[\]()#+!|~$]/g, (character) => `&#${character.charCodeAt(0)};`);
}
