// SPDX-License-Identifier: MIT
// Which source lines the code of an object comes from: of code that was inlined, the innermost line.
import type { LineRow } from "./dwarf-lines.ts";

/** Addresses in the object. */
export interface CodeRange {
  readonly start: number;
  readonly end: number;
}

interface Row extends CodeRange {
  /** "rex/src/map/keyed.rs:57" */
  readonly line: string;
}

/** What a source file is called; undefined: its lines are not wanted. */
export type NameFile = (path: string) => string | undefined;

export class LineTable {
  /** By their addresses; none overlaps another one. */
  readonly #rows: readonly Row[];
  /** All lines with code. */
  readonly lines: ReadonlySet<string>;

  private constructor(rows: readonly Row[]) {
    this.#rows = rows;
    this.lines = new Set(rows.map(({ line }) => line));
  }

  /** Of the rows of a file, in the order in which it has them. */
  static of(rows: Iterable<LineRow>, nameFile: NameFile): LineTable {
    const found: Row[] = [];
    const names = new Map<string, string | undefined>();
    const nameOf = (path: string) => {
      if (!names.has(path)) names.set(path, nameFile(path));
      return names.get(path);
    };
    let open: { readonly start: number; readonly line: string | undefined } | undefined;
    for (const { address, path, line } of rows) {
      if (open?.line !== undefined && open.start < address)
        found.push({ start: open.start, end: address, line: open.line });
      const name = path === undefined || line === 0 ? undefined : nameOf(path);
      open =
        path === undefined
          ? undefined
          : { start: address, line: name === undefined ? undefined : `${name}:${line}` };
    }
    return new LineTable(found.sort((a, b) => a.start - b.start));
  }

  /** The lines that have code in these ranges. */
  linesIn(ranges: Iterable<CodeRange>): Set<string> {
    const found = new Set<string>();
    for (const { start, end } of ranges)
      for (let at = this.#firstBehind(start); ; at += 1) {
        const row = this.#rows[at];
        if (row === undefined || row.start >= end) break;
        found.add(row.line);
      }
    return found;
  }

  /** Of the first row that ends behind this address. */
  #firstBehind(address: number): number {
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#rows[middle]?.end ?? 0) > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
