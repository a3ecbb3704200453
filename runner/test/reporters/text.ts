// SPDX-License-Identifier: MIT
// The words for one test report, shared by all reporters that write for people.
import { relative } from "node:path";
import type { ExitRecord } from "../../protocol/generated.ts";
import { visible } from "../../support/format.ts";
import { styled } from "../../support/style.ts";
import type { GuestReport } from "../guests/guest.ts";
import { type OutcomeCounts, type OutcomeKind, outcomeKinds, outcomeWords } from "../outcome/outcome.ts";
import type { ShownError, TestReport } from "./reporter.ts";

const tailShown = 15;
const splatShown = 40;

export const outcomeMarks: Readonly<Record<OutcomeKind, string>> = {
  passed: "✓",
  failed: "✗",
  "kernel-crashed": "☠",
  "guest-hung": "⧖",
  "infrastructure-failed": "!",
  "never-ran": "-",
};

export function colourOf(kind: OutcomeKind): "green" | "red" | "yellow" | "dim" {
  if (kind === "passed") return "green";
  if (kind === "never-ran") return "dim";
  return kind === "infrastructure-failed" ? "yellow" : "red";
}

/** Everything a person needs to know about a test that did not pass. */
export function failureText(test: TestReport, cwd: string): string {
  const { outcome, failure } = test.verdict;
  const colour = colourOf(outcome.kind);
  const title = `${outcomeMarks[outcome.kind]} ${outcomeWords(outcome.kind).toUpperCase()}  ${test.file} > ${test.name}`;
  const sections = [styled(colour, title)];
  if (failure?.step) sections.push(`  in step ${failure.step}`);
  if (outcome.kind !== "passed") sections.push(indent(outcome.reason, 2));
  sections.push(
    ...test.errors
      .map((error) => errorText(error, outcome.kind === "passed" ? "" : outcome.reason))
      .filter((text) => text !== ""),
  );
  if (failure && failure.exits.length > 0) sections.push(failure.exits.map(exitText).join("\n"));
  if (failure?.report) sections.push(consoleText(failure.report));
  if (failure?.artifacts) sections.push(`  kept   ${relative(cwd, failure.artifacts) || "."}/`);
  sections.push(`  rerun  ${styled("cyan", test.rerun)}`);
  return sections.join("\n");
}

/** An assertion as vitest explains it; what the outcome has said already is not said again. */
export function errorText(error: ShownError, alreadySaid: string): string {
  const lines: string[] = [];
  if (error.message !== "" && !alreadySaid.includes(error.message)) lines.push(indent(error.message, 2));
  if (error.diff !== undefined) lines.push(indent(colouredDiff(error.diff), 4));
  if (error.at !== undefined) lines.push(styled("dim", `  at ${error.at}`));
  return lines.join("\n");
}

export function exitText(exit: ExitRecord): string {
  const frames = exit.frames.slice(0, 12).map(({ symbol }) => `      ${visible(symbol)}`);
  const message = visible(exit.message ?? "").replaceAll("\n", "\n    ");
  return [
    `  exit record ${exit.seq}: program ${exit.prog} (id ${exit.progId}) on CPU ${exit.cpu}, ${exit.level} context`,
    `    ${exit.reason}: ${message}`,
    ...(exit.location ? [`    at ${visible(exit.location)}`] : []),
    ...frames,
  ].join("\n");
}

/** The first splat whole and marked; without one, the end of the console. */
export function consoleText(report: GuestReport): string {
  const [first, ...others] = report.splats;
  if (first !== undefined) {
    const shown = first.lines.slice(0, splatShown).map((line) => styled("red", `  ▌ ${line}`));
    const rest = first.lines.length - shown.length;
    return [
      `  console, line ${first.firstLine + 1} (${first.kind}):`,
      ...shown,
      ...(rest > 0 ? [styled("dim", `    … ${rest} more lines`)] : []),
      ...(report.symbolNote === undefined ? [] : [styled("dim", `    ${report.symbolNote}`)]),
      ...others
        .slice(0, 5)
        .map((splat) => styled("dim", `    also, line ${splat.firstLine + 1}: ${splat.title}`)),
    ].join("\n");
  }
  const tail = report.consoleTail.slice(-tailShown).map((line) => styled("dim", `  │ ${line}`));
  return tail.length === 0 ? "  the console stayed empty" : ["  end of the console:", ...tail].join("\n");
}

/** "12 passed, 1 failed, 1 kernel crashed, 2 ignored" */
export function countsText(counts: OutcomeCounts, ignored: number): string {
  const parts = outcomeKinds
    .filter((kind) => counts[kind] > 0 || kind === "passed" || kind === "failed")
    .map((kind) => {
      const text = `${counts[kind]} ${outcomeWords(kind)}`;
      return counts[kind] > 0 ? styled(colourOf(kind), text) : text;
    });
  if (ignored > 0) parts.push(`${ignored} ignored`);
  return parts.join(", ");
}

function colouredDiff(diff: string): string {
  return diff
    .split("\n")
    .map((line) =>
      line.startsWith("-") ? styled("green", line) : line.startsWith("+") ? styled("red", line) : line,
    )
    .join("\n");
}

export function indent(text: string, by: number): string {
  return text.replaceAll(/^(?=.)/gm, " ".repeat(by));
}
