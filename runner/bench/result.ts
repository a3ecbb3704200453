// SPDX-License-Identifier: MIT
// What a benchmark found, as data: printed as tables, written as JSON.
import type { Summary } from "./statistics.ts";

export type Unit = "instructions" | "ns" | "µs" | "ms" | "bytes" | "MiB" | "per minute";

export interface Row {
  readonly what: string;
  readonly summary: Summary;
  /** Against the table's peer; absent for what has none. */
  readonly ratio?: number | undefined;
}

export interface ResultTable {
  readonly title: string;
  readonly unit: Unit;
  /** What a ratio of 1 stands for. */
  readonly ratioTo?: string;
  readonly rows: readonly Row[];
}

/** Figures that are what they are, one for each column: nothing to take a median of. */
export interface FigureTable {
  readonly title: string;
  readonly unit: Unit;
  readonly columns: readonly string[];
  readonly ratioTo?: string;
  readonly rows: readonly {
    readonly what: string;
    /** Undefined where there is none. */
    readonly figures: readonly (number | undefined)[];
    readonly ratio?: number | undefined;
  }[];
}

export interface BenchmarkResult {
  readonly name: string;
  readonly title: string;
  readonly tables: readonly (ResultTable | FigureTable)[];
  /** For the reader: what was left out and why. */
  readonly notes: readonly string[];
  readonly durationMs: number;
}
