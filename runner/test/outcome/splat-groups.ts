// SPDX-License-Identifier: MIT
// Splats of many tests, by title: the same bug shows in many places, and is told once.
import type { Splat } from "./splat.ts";

export interface SplatGroup {
  readonly title: string;
  readonly splats: number;
  /** Tests in which it occurred. */
  readonly tests: number;
}

/** The most frequent first. */
export function groupSplats(tests: readonly (readonly Splat[])[]): readonly SplatGroup[] {
  const groups = new Map<string, { splats: number; tests: number }>();
  for (const splats of tests) {
    for (const [title, same] of Map.groupBy(splats, (splat) => splat.title)) {
      const group = groups.get(title) ?? { splats: 0, tests: 0 };
      groups.set(title, { splats: group.splats + same.length, tests: group.tests + 1 });
    }
  }
  return [...groups]
    .map(([title, counts]) => ({ title, ...counts }))
    .sort((a, b) => b.tests - a.tests || b.splats - a.splats || a.title.localeCompare(b.title));
}
