// SPDX-License-Identifier: MIT
// The same programs built by plain rustc for this machine, with std: a second opinion on every prediction. What the host can't do (run out of
// the stack of a Rex program, be ended for taking too long, panic in the message of a panic) it reports instead of doing it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sameMessage } from "../interpret/message.ts";
import type { Prediction, RunPrediction } from "../interpret/prediction.ts";
import type { Program } from "../model/ast.ts";
import { keysPerProgram, printForHost } from "../model/files.ts";
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

interface MapsAnswer {
  readonly array: readonly string[];
  readonly hash: readonly string[];
}

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
      "-o",
      binary,
      source,
    ]);
    return compare(cases, printed.lineOf, await execute(binary, []));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function compare(
  cases: readonly Case[],
  lineOf: readonly ReadonlyMap<Spot, number>[],
  output: string,
): string[] {
  const answers = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as RunAnswer | MapsAnswer);
  const maps = answers.pop() as MapsAnswer;
  const runs = answers as RunAnswer[];
  return cases.flatMap(({ prediction }, index) => {
    const own = runs.filter(({ program }) => program === index);
    const complaints = prediction.runs.flatMap((run, at) => {
      const complaint = objection(run, own[at], lineOf[index]);
      return complaint === undefined ? [] : [`program ${index}, run ${at}: ${complaint}`];
    });
    return [...complaints, ...mapObjections(index, prediction, maps)];
  });
}

function objection(
  run: RunPrediction,
  answer: RunAnswer | undefined,
  lineOf: ReadonlyMap<Spot, number> | undefined,
): string | undefined {
  const got = JSON.stringify(answer);
  switch (run.kind) {
    case "overflow":
      // The host's stack is deeper: what it does there is its own affair.
      return undefined;
    case "returns":
      return answer?.value === String(run.value) ? undefined : `returns ${run.value}, and not ${got}`;
    case "nested":
    case "timeout":
      return answer?.message === run.kind ? undefined : `${run.kind}, and not ${got}`;
    case "panics": {
      const line = lineOf?.get(run.spot);
      // Line 0: in the library.
      const isThere = answer?.line === 0 || answer?.line === line;
      if (sameMessage(run.message, answer?.message) && isThere) return undefined;
      return `panics at line ${line} with ${JSON.stringify(run.message)}, and not ${got}`;
    }
  }
}

function mapObjections(index: number, { maps }: Prediction, answer: MapsAnswer): string[] {
  if (maps === undefined) return [];
  return (["array", "hash"] as const).flatMap((name) => {
    const wanted = [...maps[name]].map(([key, value]) => `${index * keysPerProgram + key} ${value}`);
    const got = answer[name].filter((pair) => {
      const [key = "", value] = pair.split(" ");
      return Math.floor(Number(key) / keysPerProgram) === index && (name === "hash" || value !== "0");
    });
    const [a, b] = [wanted.sort().join(", "), got.sort().join(", ")];
    return a === b ? [] : [`program ${index}: the ${name} holds ${a}, and not ${b}`];
  });
}
