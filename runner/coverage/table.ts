// SPDX-License-Identifier: MIT
// Coverage as a table at the terminal, the least covered files first.
import { formatTable } from "../support/format.ts";
import { percent, type Tallies, type Tally, totalOf } from "./lines.ts";

export interface FileTallies extends Tallies {
  readonly path: string;
}

export function coverageTable(files: readonly FileTallies[]): string {
  const least = files.toSorted((a, b) => share(a.lines) - share(b.lines));
  const rows = [...least, { path: "all", ...totalOf(files) }].map(({ path, lines, branches, functions }) => [
    path,
    ...[lines, branches, functions].flatMap((tally) => [
      percent(tally).padStart(6),
      `${tally.hit}/${tally.found}`,
    ]),
  ]);
  return formatTable([["", " lines", "", "branches", "", "functions", ""], ...rows]);
}

function share({ found, hit }: Tally): number {
  return found === 0 ? 1 : hit / found;
}
