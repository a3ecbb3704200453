// SPDX-License-Identifier: MIT
// Which lines, branches and functions of a source file ran, and how often.

export interface FileCoverage {
  /** As in the kernel tree: "kernel/rex/exit.c". */
  readonly path: string;
  /** Lines with code, from 1, and how often each ran. */
  readonly lines: ReadonlyMap<number, number>;
  /** By line: how often each way out of it was taken. */
  readonly branches: ReadonlyMap<number, readonly number[]>;
  readonly functions: readonly FunctionCoverage[];
}

export interface FunctionCoverage {
  readonly name: string;
  readonly line: number;
  readonly calls: number;
}

/** How many there are, and how many of them ran. */
export interface Tally {
  readonly found: number;
  readonly hit: number;
}

export interface Tallies {
  readonly lines: Tally;
  readonly branches: Tally;
  readonly functions: Tally;
}

export function talliesOf({ lines, branches, functions }: FileCoverage): Tallies {
  return {
    lines: tally([...lines.values()]),
    branches: tally([...branches.values()].flat()),
    functions: tally(functions.map(({ calls }) => calls)),
  };
}

export function totalOf(all: readonly Tallies[]): Tallies {
  const sum = (of: (tallies: Tallies) => Tally): Tally => ({
    found: all.reduce((total, each) => total + of(each).found, 0),
    hit: all.reduce((total, each) => total + of(each).hit, 0),
  });
  return {
    lines: sum((each) => each.lines),
    branches: sum((each) => each.branches),
    functions: sum((each) => each.functions),
  };
}

/** "93.1%"; never 100 while something is missing. */
export function percent({ found, hit }: Tally): string {
  if (found === 0) return "–";
  const tenths = Math.floor((1000 * hit) / found);
  return `${(tenths / 10).toFixed(1)}%`;
}

function tally(counts: readonly number[]): Tally {
  return { found: counts.length, hit: counts.filter((count) => count > 0).length };
}
