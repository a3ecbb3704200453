// SPDX-License-Identifier: MIT
// What a benchmark is: a name, a question, and a function that answers it with tables.
import type { Lab } from "./lab.ts";
import type { FigureTable, ResultTable } from "./result.ts";

export interface Benchmark {
  readonly name: string;
  /** The question, as `--list` and the report have it. */
  readonly title: string;
  run(lab: Lab): Promise<readonly (ResultTable | FigureTable)[]>;
}
