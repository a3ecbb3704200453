// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import type { InventoryResult } from "../../protocol/generated.ts";
import { leaks } from "./sanitizers.ts";

const program = { tag: "", jitedBytes: 0, mapIds: [], runCount: 0, runTimeNs: 0, recursionMisses: 0 };
const map = { keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
const empty: InventoryResult = {
  progs: [],
  maps: [],
  links: [],
  modules: [],
  taint: 0,
  taintFlags: [],
  handles: { objects: [], links: [] },
};

it("names what is left and was not there before", () => {
  const before = { ...empty, progs: [{ ...program, id: 1, name: "old", type: "kprobe" }] };
  const after = {
    ...before,
    progs: [...before.progs, { ...program, id: 2, name: "new", type: "kprobe" }],
    maps: [{ ...map, id: 5, name: "MAP", type: "array" }],
    links: [{ id: 9, type: "perf_event", progId: 2 }],
  };
  expect(leaks(before, after)).toEqual([
    'left behind in the kernel: program 2 "new" of type kprobe',
    'left behind in the kernel: map 5 "MAP" of type array',
    "left behind in the kernel: link 9 of type perf_event",
  ]);
  expect(leaks(before, before)).toEqual([]);
});

it("counts what the runtime counted", () => {
  const before = { ...empty, rexStats: { unreleased: 1, unbalanced: 0, objects: 0, programs: 0 } };
  const after = { ...empty, rexStats: { unreleased: 2, unbalanced: 1, objects: 1, programs: 0 } };
  expect(leaks(before, after)).toEqual([
    "programs returned 2 times without giving back what they had acquired",
    "the Rex runtime still counts 1 more objects than before the test",
  ]);
});
