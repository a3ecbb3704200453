// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import type { ExitRecord } from "../../runner/protocol/generated.ts";
import { printForGuest } from "../model/files.ts";
import { runsPerProgram } from "../model/helpers.ts";
import { mixed, num, programOf } from "../testing/trees.ts";
import type { Seen, SeenRun } from "./judge.ts";
import { type Batch, twinsOf } from "./object.ts";
import { keyOf } from "./trial.ts";
import { trialOf } from "./trials.ts";
import { twinComplaints } from "./twins.ts";

const trial = trialOf(programOf(mixed(num(1))), [5n], "opaque");
const trials = trial === undefined ? [] : [trial];
const batch: Batch = { trials, twins: twinsOf(trials), printed: printForGuest([]), base64: "" };

function complaints(twin: Partial<SeenRun>, seen: Partial<Seen> = {}): string[] {
  const returned = { errno: "ESRCH", exits: [] };
  const runs = new Map([
    [0, [returned]],
    [1, [{ ...returned, ...twin }]],
  ]);
  const out = new Map([
    [0, 1n],
    [runsPerProgram, 1n],
  ]);
  const nothing = { maps: new Map(), records: new Map(), discarded: 0, isBusy: false, stats: [], others: [] };
  return twinComplaints(batch, { runs, out, ...nothing, ...seen }).map(keyOf);
}

function ended(reason: string): Partial<SeenRun> {
  return { exits: [{ reason, message: "boom", released: [] as string[] } as ExitRecord] };
}

it("a variant has to do the same, where that does not depend on the compiler", () => {
  expect(complaints({})).toEqual([]);
  const results = "metamorphic: the variant opaque has other results";
  expect(complaints({}, { out: new Map([[0, 1n]]) })).toEqual([results]);
  expect(complaints(ended("panic"))).toEqual(["metamorphic: the variant opaque has other endings"]);
  expect(complaints(ended("timeout"))).toEqual([]);
  const array = new Map([[8, 7n]]);
  expect(complaints({}, { maps: new Map([["array", array]]) })).toEqual([
    "metamorphic: the variant opaque has other array",
  ]);
  const records = new Map([[1, [Uint8Array.of(1)]]]);
  expect(complaints({}, { records })).toEqual(["metamorphic: the variant opaque has other records"]);
});
