// SPDX-License-Identifier: MIT
// The words for one test report, shared by all reporters that write for people.
import { relative } from "node:path";
import type { ExitRecord } from "../../protocol/generated.ts";
import { visible } from "../../support/format.ts";
import { type Paint, painter } from "../../support/style.ts";
import type { GuestReport } from "../guests/guest.ts";
import { type OutcomeCounts, type OutcomeKind, outcomeKinds, outcomeWords } from "../outcome/outcome.ts";
import type { AttemptReport, ShownError, TestReport } from "./reporter.ts";

const plain = painter(false);
const tailShown = 15;
const splatShown = 40;

export const outcomeMarks: Readonly<Record<OutcomeKind, string>> = {
  passed: "✓",
  failed: "✗",
  "kernel-crashed": "☠",
  "guest-hung": "∞",
  "infrastructure-failed": "!",
  "never-ran": "-",
};

export function colourOf(kind: OutcomeKind): "green" | "red" | "yellow" | "dim" {
  if (kind === "passed") return "green";
  if (kind === "never-ran") return "dim";
  return kind === "infrastructure-failed" ? "yellow" : "red";
}

/** Everything a person needs to know about a test that did not pass. */
export function failureText(test: TestReport, cwd: string, paint: Paint = plain): string {
  const { outcome, failure } = test.verdict;
  const colour = colourOf(outcome.kind);
  const title = `${outcomeMarks[outcome.kind]} ${outcomeWords(outcome.kind).toUpperCase()}  ${test.file} > ${test.name}`;
  const sections = [paint(colour, title)];
  if (failure?.step) sections.push(`  in step ${failure.step}`);
  if (outcome.kind !== "passed") sections.push(indent(outcome.reason, 2));
  sections.push(
    ...test.errors
      .map((error) => errorText(error, outcome.kind === "passed" ? "" : outcome.reason, paint))
      .filter((text) => text !== ""),
  );
  if (failure && failure.exits.length > 0) sections.push(failure.exits.map(exitText).join("\n"));
  if (failure?.report) sections.push(consoleText(failure.report, paint));
  if (failure?.artifacts) sections.push(`  kept   ${relative(cwd, failure.artifacts) || "."}/`);
  if (failure?.artifactsTrouble) sections.push(`         not all of it: ${failure.artifactsTrouble}`);
  for (const attachment of test.verdict.attachments ?? [])
    sections.push(`  kept   ${relative(cwd, attachment.path)}`);
  if (test.id !== undefined) sections.push(`  rerun  ${paint("cyan", rerunById(test.id))}`);
  sections.push(`  ${test.id === undefined ? "rerun" : "   or"}  ${paint("cyan", test.rerun)}`);
  return sections.join("\n");
}

/** "attempts: failed, passed" */
export function attemptsText(attempts: readonly AttemptReport[]): string {
  const kinds = attempts.map(({ verdict }) => outcomeWords(verdict.outcome.kind));
  const [first = ""] = kinds;
  const alike = kinds.length > 8 && kinds.every((kind) => kind === first);
  return `attempts: ${alike ? `${kinds.length} times ${first}` : kinds.join(", ")}`;
}

/** Runs the test with the settings that it failed with. */
export function rerunById(id: string): string {
  return `rex-test rerun ${id}`;
}

/** An assertion as vitest explains it; what the outcome has said already is not said again. */
export function errorText(error: ShownError, alreadySaid: string, paint: Paint = plain): string {
  const lines: string[] = [];
  if (error.message !== "" && !alreadySaid.includes(error.message)) lines.push(indent(error.message, 2));
  if (error.diff !== undefined) lines.push(indent(colouredDiff(error.diff, paint), 4));
  if (error.at !== undefined) lines.push(paint("dim", `  at ${error.at}`));
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
export function consoleText(report: GuestReport, paint: Paint = plain): string {
  const [first, ...others] = report.splats;
  if (first !== undefined) {
    const shown = first.lines.slice(0, splatShown).map((line) => paint("red", `  ▌ ${line}`));
    const rest = first.lines.length - shown.length;
    return [
      `  console, line ${first.firstLine + 1} (${first.kind}):`,
      ...shown,
      ...(rest > 0 ? [paint("dim", `    … ${rest} more lines`)] : []),
      ...(report.symbolNote === undefined ? [] : [paint("dim", `    ${report.symbolNote}`)]),
      ...others
        .slice(0, 5)
        .map((splat) => paint("dim", `    also, line ${splat.firstLine + 1}: ${splat.title}`)),
    ].join("\n");
  }
  const tail = report.consoleTail.slice(-tailShown).map((line) => paint("dim", `  │ ${line}`));
  return tail.length === 0 ? "  the console stayed empty" : ["  end of the console:", ...tail].join("\n");
}

/** "12 passed, 1 failed, 1 kernel crashed, 2 ignored" */
export function countsText(counts: OutcomeCounts, ignored: number, paint: Paint = plain): string {
  const parts = outcomeKinds
    .filter((kind) => counts[kind] > 0 || kind === "passed" || kind === "failed")
    .map((kind) => {
      const text = `${counts[kind]} ${outcomeWords(kind)}`;
      return counts[kind] > 0 ? paint(colourOf(kind), text) : text;
    });
  if (ignored > 0) parts.push(`${ignored} ignored`);
  return parts.join(", ");
}

function colouredDiff(diff: string, paint: Paint): string {
  return diff
    .split("\n")
    .map((line) =>
      line.startsWith("-") ? paint("green", line) : line.startsWith("+") ? paint("red", line) : line,
    )
    .join("\n");
}

export function indent(text: string, by: number): string {
  return text.replaceAll(/^(?=.)/gm, " ".repeat(by));
}
