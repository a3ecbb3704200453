// SPDX-License-Identifier: MIT
// Turns reports of tests into the data of the page. Details are made one test at a time, so that a run with many failures does
// not have all of their logs in memory.
import { readFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import type { ExitRecord } from "../../../protocol/generated.ts";
import { plural } from "../../../support/format.ts";
import type { GuestWish } from "../../guests/guest.ts";
import type { KeptProgram } from "../../outcome/verdict.ts";
import type { BrokenFile, IgnoredTest, TestReport } from "../reporter.ts";
import { reportConsole } from "./console.ts";
import type { ReportDetails, ReportProgram, ReportTest } from "./data.ts";
import { type Disassembler, faultLines } from "./disassembly.ts";
import type { SourceFiles } from "./sources.ts";

const longestReason = 300;
const mostExits = 50;
const noTimes = { queuedMs: 0, readyMs: 0, durationMs: 0, steps: [] };

export function rowOfTest(test: TestReport): ReportTest {
  const { outcome, queuedAt, queuedMs, readyMs, durationMs, steps, origin } = test.verdict;
  const { file, name, line, id, rerun, flaky, tags } = test;
  return {
    promise: promiseOf(file),
    file,
    name,
    line,
    outcome: outcome.kind,
    reason: outcome.kind === "passed" ? undefined : firstLine(outcome.reason),
    id,
    rerun,
    flaky,
    tags,
    origin,
    queuedAt,
    queuedMs,
    readyMs,
    durationMs,
    steps,
    hasDetails: hasDetails(test),
  };
}

export function rowOfIgnored({ file, name, reason, tags }: IgnoredTest): ReportTest {
  const times = { ...noTimes, hasDetails: false };
  return { promise: promiseOf(file), file, name, outcome: "ignored", reason, tags, ...times };
}

export function rowOfBroken({ file, message, phase }: BrokenFile): ReportTest {
  const name = phase === "hooks" ? "(hooks of the file)" : "(the spec file itself)";
  const reason = firstLine(message);
  return {
    promise: promiseOf(file),
    file,
    name,
    outcome: "not-loaded",
    reason,
    ...noTimes,
    hasDetails: true,
  };
}

export function detailsOfBroken({ message }: BrokenFile): ReportDetails {
  return { reason: message, ...nothing };
}

const nothing = {
  errors: [],
  exits: [],
  programs: [],
  attempts: [],
  attachments: [],
  qmpLog: [],
  sources: {},
};

export interface Collector {
  readonly cwd: string;
  readonly sources: SourceFiles;
  readonly disassembler: Disassembler;
}

export async function detailsOf(test: TestReport, collector: Collector): Promise<ReportDetails> {
  const { cwd, sources } = collector;
  const { outcome, failure, attachments = [] } = test.verdict;
  const exits = (failure?.exits ?? []).slice(0, mostExits);
  const console = failure?.report && (await reportConsole(failure.report));
  const reason = outcome.kind === "passed" ? "" : outcome.reason;
  const texts = [
    ...test.errors.flatMap(({ at }) => at ?? []),
    ...(console?.lines.filter(({ splat }) => splat).map(({ text }) => text) ?? []),
    ...exits.flatMap(({ frames, location }) => [location ?? "", ...frames.map(({ symbol }) => symbol)]),
  ];
  const programs = await Promise.all(
    (failure?.programs ?? []).map((program) => reportProgram(program, exits, collector.disassembler)),
  );
  const [main, another] = programs.filter(({ source }) => source !== undefined);
  return {
    reason,
    step: failure?.step,
    guest: failure?.guest && guestText(failure.guest),
    errors: test.errors.map((error) => ({
      ...error,
      message: reason.includes(error.message) ? "" : error.message,
    })),
    exits,
    programs,
    console,
    attempts: (test.attempts ?? []).map(({ verdict }) => ({
      outcome: verdict.outcome.kind,
      reason: verdict.outcome.kind === "passed" ? "" : verdict.outcome.reason,
    })),
    attachments,
    artifacts: failure?.artifacts && relative(cwd, failure.artifacts),
    commandLine: failure?.report?.commandLine,
    qmpLog: failure?.report?.qmpLog ?? [],
    sources: await sources.excerpts(texts, another === undefined ? main?.source : undefined),
  };
}

function guestText({
  cpus,
  memoryMiB,
  kernel,
  kernelParameters,
  hostTools,
  net,
  diskMiB,
}: GuestWish): string {
  const parts = [`${plural(cpus, "CPU")} and ${memoryMiB} MiB`];
  if (kernel !== undefined) parts.push(`a kernel of the config ${kernel}`);
  if (kernelParameters.length > 0) parts.push(`parameters ${kernelParameters.join(" ")}`);
  if (hostTools) parts.push("tools of the host");
  if (net !== undefined) parts.push(net === "open" ? "a network device, open" : "a network device");
  if (diskMiB !== undefined) parts.push(`a disk of ${diskMiB} MiB`);
  return parts.join(", ");
}

function hasDetails({ verdict, errors, attempts }: TestReport): boolean {
  if (verdict.failure !== undefined || errors.length > 0 || attempts !== undefined) return true;
  return (verdict.attachments ?? []).length > 0 || !["passed", "never-ran"].includes(verdict.outcome.kind);
}

async function reportProgram(
  program: KeptProgram,
  exits: readonly ExitRecord[],
  disassembler: Disassembler,
): Promise<ReportProgram> {
  const own = exits.filter(({ object }) => object === program.name);
  const file = program.debug ?? program.object;
  const disassembly = file === undefined || own.length === 0 ? [] : await disassembler.read(file, own);
  const located = own.flatMap(({ location }) =>
    Number(/src\/main\.rs:(\d+)/.exec(location ?? "")?.[1] ?? []),
  );
  return {
    name: program.name,
    source: program.source && (await readFile(program.source, "utf8").catch(() => undefined)),
    // A panic says where it was; of other ends the trace tells.
    faults: located.length > 0 ? [...new Set(located)] : faultLines(disassembly),
    disassembly,
  };
}

/** "specs/panic/oob.spec.ts" is about the promise "panic". */
export function promiseOf(file: string): string {
  const folder = dirname(file);
  return folder === "specs" ? "specs" : folder.replace(/^specs\//, "");
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").slice(0, longestReason);
}
