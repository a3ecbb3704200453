// SPDX-License-Identifier: MIT
// The findings of several campaigns as one list: what has the same oracle, title and frames is one finding.
import type { CampaignState, FoundThing } from "./state.ts";

export interface MergedFinding extends FoundThing {
  /** What the kernels are called that have it. */
  readonly kernels: readonly string[];
}

/** The one that is kept of those with the same key: whatever is easiest to bring about again, then the smallest. */
export function better(one: FoundThing, other: FoundThing): FoundThing {
  const rate = ({ reproduced, attempts }: FoundThing) => reproduced / attempts;
  if (rate(one) !== rate(other)) return rate(one) > rate(other) ? one : other;
  const size = ({ input }: FoundThing) => input?.length ?? Number.POSITIVE_INFINITY;
  return size(other) < size(one) ? other : one;
}

export function mergedFindings(states: Iterable<CampaignState>): MergedFinding[] {
  const merged = new Map<string, MergedFinding>();
  for (const { findings, kernel } of states)
    for (const finding of findings) {
      const known = merged.get(finding.key);
      if (known === undefined) {
        merged.set(finding.key, { ...finding, kernels: [kernel] });
        continue;
      }
      merged.set(finding.key, {
        ...better(known, finding),
        kernels: [...new Set([...known.kernels, kernel])],
        seen: known.seen + finding.seen,
        afterMs: Math.min(known.afterMs, finding.afterMs),
      });
    }
  return [...merged.values()].sort((a, b) => b.seen - a.seen || (a.key < b.key ? -1 : 1));
}
