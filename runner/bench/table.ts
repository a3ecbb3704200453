// SPDX-License-Identifier: MIT
// Results as a reader gets them: a line for each measurement, numbers under each other.
import { formatTable } from "../support/format.ts";
import type { BenchmarkResult, FigureTable, ResultTable, Row } from "./result.ts";

export function formatResult(result: BenchmarkResult): string {
  const tables = result.tables.map((table) =>
    "columns" in table ? formatFigureTable(table) : formatResultTable(table),
  );
  const notes = result.notes.map((note) => `  ${note}`);
  return [`${result.name}: ${result.title}`, ...tables, ...notes].join("\n\n");
}

export function formatResultTable(table: ResultTable): string {
  const columns = ["median", "min", "max", "spread", "samples", "ratio"];
  return format(table, columns, table.rows.map(rowCells));
}

export function formatFigureTable(table: FigureTable): string {
  const rows = table.rows.map(({ what, figures, ratio }) => [
    what,
    ...figures.map((figure) => (figure === undefined ? "none" : formatNumber(figure))),
    formatRatio(ratio),
  ]);
  return format(table, [...table.columns, "ratio"], rows);
}

function format(
  { title, unit, ratioTo }: Pick<ResultTable, "title" | "unit" | "ratioTo">,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = columns.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column + 1] ?? "").length)),
  );
  const lines = [["", ...columns], ...rows].map(([what = "", ...values]) => [
    `  ${what}`,
    ...values.map((value, column) => value.padStart(widths[column] ?? 0)),
  ]);
  const ratio = ratioTo === undefined ? "" : `; ratio 1: ${ratioTo}`;
  return [`  ${title} (${unit}${ratio})`, formatTable(lines)].join("\n");
}

function rowCells({ what, summary, ratio }: Row): string[] {
  return [
    what,
    formatNumber(summary.median),
    formatNumber(summary.min),
    formatNumber(summary.max),
    formatNumber(summary.spread),
    String(summary.samples),
    formatRatio(ratio),
  ];
}

function formatRatio(ratio: number | undefined): string {
  return ratio === undefined ? "" : ratio < 0.1 ? ratio.toFixed(4) : ratio.toFixed(2);
}

/** Three digits that count, and thousands apart: "0.123", "12.3", "1,234". */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
