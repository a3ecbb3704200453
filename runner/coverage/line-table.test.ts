// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import type { LineRow } from "./dwarf-lines.ts";
import { LineTable } from "./line-table.ts";

const row = (address: number, path: string | undefined, line = 0): LineRow => ({ address, path, line });
const rows = [
  row(0x3010, "src/main.rs", 43),
  // Line 7 has no instruction of its own, and what is at 0x3038 is of no line.
  row(0x3030, "crate/src/map/a.rs", 7),
  row(0x3030, "crate/src/map/a.rs", 8),
  row(0x3038, "crate/src/map/a.rs", 0),
  row(0x3040, "crate/src/map/a.rs", 9),
  row(0x3048, "src/main.rs", 44),
  row(0x3050, undefined),
  row(0x2000, "crate/src/b.rs", 120),
  row(0x2010, undefined),
];
const table = LineTable.of(rows, (path) => /^crate\/(.*)/.exec(path)?.[1]);
const linesIn = (...ranges: readonly (readonly [number, number])[]) => [
  ...table.linesIn(ranges.map(([start, end]) => ({ start, end }))),
];

it("has the lines of the files that are wanted, where they have code", () => {
  expect([...table.lines]).toEqual(["src/b.rs:120", "src/map/a.rs:8", "src/map/a.rs:9"]);
});

it("finds the lines of a range, also of one that begins or ends within a line", () => {
  expect(linesIn([0x3010, 0x3030])).toEqual([]);
  expect(linesIn([0x302c, 0x3031])).toEqual(["src/map/a.rs:8"]);
  expect(linesIn([0x3037, 0x3048])).toEqual(["src/map/a.rs:8", "src/map/a.rs:9"]);
  expect(linesIn([0x3038, 0x3040])).toEqual([]);
});

it("a function ends where the table says, and those behind it may be before it", () => {
  expect(linesIn([0x2010, 0x3010], [0x3050, 0x4000])).toEqual([]);
  expect(linesIn([0x1000, 0x2001], [0, 1])).toEqual(["src/b.rs:120"]);
});
