// SPDX-License-Identifier: MIT
import type { StepRecord } from "../worker/steps.ts";

export interface StepNode extends StepRecord {
  readonly children: readonly StepNode[];
}

/** Steps come as a list, parents first; their depth says how they nest. */
export function stepTree(records: readonly StepRecord[]): readonly StepNode[] {
  const roots: StepNode[] = [];
  const open: { readonly depth: number; readonly children: StepNode[] }[] = [];
  for (const record of records) {
    while ((open.at(-1)?.depth ?? -1) >= record.depth) open.pop();
    const children: StepNode[] = [];
    (open.at(-1)?.children ?? roots).push({ ...record, children });
    open.push({ depth: record.depth, children });
  }
  return roots;
}
