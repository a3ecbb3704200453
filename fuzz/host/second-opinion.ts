// SPDX-License-Identifier: MIT
// The same programs built by plain rustc for this machine, with std: a second opinion on every prediction. What the host can't do (run out of
// the stack of a Rex program, be ended for taking too long, panic in the message of a panic) it reports instead of doing it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sameMessage } from "../interpret/message.ts";
import {
  type Left,
  type MapName,
  mapNames,
  type Prediction,
  type RunPrediction,
} from "../interpret/prediction.ts";
import type { Program } from "../model/ast.ts";
import { type PrintedFile, printForHost } from "../model/files.ts";
import { keysPerProgram } from "../model/helpers.ts";
import type { Spot } from "../model/print.ts";

/** A program, what it was run with, and what is said of it. */
export interface Case {
  readonly program: Program;
  readonly inputs: readonly bigint[];
  readonly prediction: Prediction;
}

/** Runs a command to its end and gives what it printed; throws when it fails. */
export type Execute = (command: string, args: readonly string[]) => Promise<string>;

interface RunAnswer {
  readonly program: number;
  readonly value?: string;
  readonly line?: number;
  readonly message?: string;
}

/** Comes behind the run that it is of. */
interface PacketAnswer {
  readonly packet: readonly number[];
}

type LeftAnswer = Readonly<Record<MapName | "records", readonly string[]>>;

/** What the host has to say against the predictions, a sentence each. */
export async function objections(cases: readonly Case[], rustc: string, execute: Execute): Promise<string[]> {
  const printed = printForHost(
    cases.map(({ program }) => program),
    cases.map(({ inputs, prediction }) => inputs.slice(0, prediction.runs.length)),
  );
  const folder = await mkdtemp(join(tmpdir(), "rex-fuzz-"));
  try {
    const [source, binary] = [join(folder, "main.rs"), join(folder, "main")];
    await writeFile(source, printed.text);
    await execute(rustc, [
      "--edition=2024",
      "-Copt-level=1",
      "-Coverflow-checks=yes",
      "-Cdebuginfo=0",
      "--crate-name=fuzzed",
      "-o",
      binary,
      source,
    ]);
    return compare(cases, printed, await execute(binary, []));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function compare(cases: readonly Case[], printed: PrintedFile, output: string): string[] {
  const answers = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as RunAnswer | PacketAnswer | LeftAnswer);
  const left = answers.pop() as LeftAnswer;
  const runs = answers.flatMap((answer, at) => {
    if (!("program" in answer)) return [];
    const next = answers[at + 1];
    return [{ ...answer, packet: next !== undefined && "packet" in next ? next.packet : undefined }];
  });
  return cases.flatMap(({ prediction }, index) => {
    const own = runs.filter(({ program }) => program === index);
    const lineOf = printed.lineOf[index];
    const isThere = (line: number | undefined, spot: Spot) =>
      line !== undefined && (line <= printed.helperLines || line === lineOf?.get(spot));
    const complaints = prediction.runs.flatMap((run, at) => {
      const complaint = objection(run, own[at], isThere) ?? packetObjection(run, own[at]?.packet);
      return complaint === undefined ? [] : [`program ${index}, run ${at}: ${complaint}`];
    });
    return [...complaints, ...leftObjections(index, prediction.left, left)];
  });
}

function objection(
  run: RunPrediction,
  answer: RunAnswer | undefined,
  isThere: (line: number | undefined, spot: Spot) => boolean,
): string | undefined {
  const got = JSON.stringify(answer);
  switch (run.kind) {
    case "unknown":
      return undefined;
    case "overflow":
      // The host's stack is deeper: what it does there is its own affair.
      return undefined;
    case "returns":
      return answer?.value === String(run.value) ? undefined : `returns ${run.value}, and not ${got}`;
    case "nested":
    case "timeout":
    case "resources":
      return answer?.message === run.kind ? undefined : `${run.kind}, and not ${got}`;
    case "panics": {
      // In the library there is line 0.
      if (sameMessage(run.message, answer?.message) && isThere(answer?.line, run.spot)) return undefined;
      return `panics with ${JSON.stringify(run.message)}, and not ${got}`;
    }
  }
}

function packetObjection(
  { packet }: RunPrediction,
  answer: readonly number[] | undefined,
): string | undefined {
  if (packet === undefined || packet.join() === answer?.join()) return undefined;
  return `leaves the packet ${packet.join()}, and not ${answer?.join()}`;
}

function leftObjections(index: number, left: Left | undefined, answer: LeftAnswer): string[] {
  if (left === undefined) return [];
  const maps = mapNames.flatMap((name) => {
    const isHash = name === "hash" || name === "vault";
    const wanted = [...left.maps[name]].map(([key, value]) => `${index * keysPerProgram + key} ${value}`);
    const got = answer[name].filter((pair) => {
      const [key = "", value] = pair.split(" ");
      return Math.floor(Number(key) / keysPerProgram) === index && (isHash || value !== "0");
    });
    const [a, b] = [wanted.sort().join(", "), got.sort().join(", ")];
    return a === b ? [] : [`program ${index}: ${name} holds ${a}, and not ${b}`];
  });
  const wanted = left.records.map((bytes) => `${index} [${bytes.map(hex).join(", ")}]`);
  const got = answer.records.filter((record) => record.startsWith(`${index} `));
  return wanted.join() === got.join()
    ? maps
    : [...maps, `program ${index}: the records are ${wanted}, and not ${got}`];
}

function hex(byte: bigint): string {
  return byte.toString(16).padStart(2, "0");
}
