// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { ExitRecord, ProgramStats } from "../../runner/protocol/generated.ts";
import { predict } from "../interpret/interpret.ts";
import type { Stmt } from "../model/ast.ts";
import { printForGuest } from "../model/files.ts";
import { mixed, num, programOf, variable } from "../testing/trees.ts";
import { judge, type Seen, type SeenRun } from "./judge.ts";
import type { Batch } from "./object.ts";
import { keyOf } from "./trial.ts";

const limits = { timeoutMs: 100, tickMs: 10, slackMs: 50 };
const boom: Stmt = { kind: "panic", message: "boom", args: [] };

function batchOf(...body: readonly Stmt[]): Batch {
  const program = programOf(...body);
  const prediction = predict(program, [5n]);
  if (prediction === undefined) throw new Error("undecided");
  return {
    trials: [{ program, inputs: [5n], prediction }],
    twins: new Map(),
    printed: printForGuest([program]),
    base64: "",
  };
}

function record(of: Partial<ExitRecord>): ExitRecord {
  return { reason: "panic", message: "boom", released: [], durationNs: 1e6, ...of } as ExitRecord;
}

function complaints(batch: Batch, run: Partial<SeenRun>, seen: Partial<Seen> = {}): string[] {
  const runs = new Map([[0, [{ errno: "ESRCH", exits: [], ...run }]]]);
  const nothing = { out: new Map(), maps: new Map(), stats: [], others: [] };
  const none = { ...nothing, records: new Map(), discarded: 0, isBusy: false };
  return judge(batch, { runs, ...none, ...seen }, limits).map(keyOf);
}

describe("judge", () => {
  const adds = batchOf(mixed(variable("input")), {
    kind: "mapSet",
    map: "array",
    key: num(2, "u32"),
    value: num(7),
  });
  const asPredicted = { out: new Map([[0, 5n]]), maps: new Map([["array", new Map([[2, 7n]])]]) };

  it("says nothing of what was predicted", () => {
    expect(complaints(adds, {}, asPredicted)).toEqual([]);
  });

  it("says what else a program returned, left in its maps or did to its caller", () => {
    expect(complaints(adds, {}, { ...asPredicted, out: new Map([[0, 6n]]) })).toEqual([
      "prediction: another value returned",
    ]);
    expect(complaints(adds, {}, { ...asPredicted, maps: new Map([["array", new Map([[2, 8n]])]]) })).toEqual([
      "prediction: other contents of the array map",
    ]);
    expect(complaints(adds, { errno: undefined }, asPredicted)).toEqual([
      "prediction: the caller's result is another one",
    ]);
    expect(complaints(adds, { exits: [record({})] }, asPredicted)).toEqual([
      "prediction: return expected, panic seen",
    ]);
  });

  it("compares a panic's message, line and what was released", () => {
    const panics = batchOf({ kind: "hold", what: "task", name: "t", body: [boom] });
    const line = panics.printed.lineOf[0]?.get(boom);
    const right = { location: `src/main.rs:${line}:5`, released: ["task"] };
    expect(complaints(panics, { exits: [record(right)] })).toEqual([]);
    expect(complaints(panics, { exits: [record({ ...right, location: "core/src/num.rs:7:5" })] })).toEqual(
      [],
    );
    expect(complaints(panics, { exits: [record({ ...right, message: "bo" })] })).toEqual([
      "prediction: another message",
    ]);
    expect(complaints(panics, { exits: [record({ ...right, location: "src/main.rs:1:5" })] })).toEqual([
      "prediction: another line",
    ]);
    expect(complaints(panics, { exits: [record({ ...right, released: [] })] })).toEqual([
      "resource neutrality: other resources released",
    ]);
  });

  it("bounds the time that a program ran that was ended", () => {
    const spins = batchOf({ kind: "spin", how: "empty" });
    const ended = (durationNs: number) => ({ exits: [record({ reason: "timeout", durationNs })] });
    expect(complaints(spins, ended(105e6))).toEqual([]);
    expect(complaints(spins, ended(99e6))).toEqual(["termination: ended before the limit"]);
    expect(complaints(spins, ended(170e6))).toEqual(["termination: ended long after the limit"]);
  });

  it("compares the measured stack with the bound", () => {
    const stats = [{ name: "bounded", stackBoundBytes: 100, stackUsedBytes: 101, reportUsedBytes: 0 }];
    expect(complaints(adds, {}, { ...asPredicted, stats: stats as ProgramStats[] })).toEqual([
      "stack bound: more stack used than was proved",
    ]);
  });
});
