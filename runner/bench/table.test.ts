// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { summarise } from "./statistics.ts";
import { formatFigureTable, formatNumber, formatResultTable } from "./table.ts";

it("numbers have three digits that count", () => {
  const shown = [0, 5, 0.1234, 1.5, 12.345, 123.4, 12_345.6, -3.21].map(formatNumber);
  expect(shown).toEqual(["0", "5", "0.123", "1.50", "12.3", "123", "12,346", "-3.21"]);
});

describe("a table", () => {
  const rows = [
    { what: "eBPF", summary: summarise([900, 1000, 1100]), ratio: 1 },
    { what: "Rex, on top", summary: summarise([1500]), ratio: 1.5 },
    { what: "bare", summary: summarise([12]) },
  ];
  const text = formatResultTable({ title: "a call", unit: "instructions", ratioTo: "eBPF", rows });

  it("says what is counted and against what", () => {
    expect(text.split("\n")[0]).toBe("  a call (instructions; ratio 1: eBPF)");
  });

  it("has numbers under their names, flush right", () => {
    const [, head = "", ...lines] = text.split("\n");
    expect(head).toMatch(/^ +median +min +max +spread +samples +ratio$/);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^ {2}eBPF +1,000 +900 +1,100 +100 +3 +1\.00$/);
    expect(lines[1]?.indexOf("1.50")).toBe(head.indexOf("ratio") + 1);
    expect(lines[2]).toMatch(/^ {2}bare +12 +12 +12 +0 +1$/);
  });
});

it("a table of figures says where there is none", () => {
  const rows = [
    { what: "bounded", figures: [344, 120], ratio: 120 / 344 },
    { what: "recursive", figures: [undefined, 9000] },
  ];
  const text = formatFigureTable({ title: "stack", unit: "bytes", columns: ["bound", "used"], rows });
  expect(text.split("\n")).toEqual([
    "  stack (bytes)",
    "             bound   used  ratio",
    "  bounded      344    120   0.35",
    "  recursive   none  9,000",
  ]);
});
