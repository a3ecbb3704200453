// SPDX-License-Identifier: MIT
// The fewest things of many that are enough: ever smaller parts, as long as one of them is enough.
import type { Traced } from "./target.ts";
import type { Complaint } from "./trial.ts";

/** In their order. `isEnough` is asked until `limitMs` are over. */
export async function fewest<T>(
  things: readonly T[],
  isEnough: (some: readonly T[]) => Promise<boolean>,
  limitMs: number,
): Promise<readonly T[]> {
  const giveUpAt = performance.now() + limitMs;
  let enough = things;
  for (let parts = 2; parts < enough.length * 2 && performance.now() < giveUpAt; ) {
    let smaller: readonly T[] | undefined;
    for (const candidate of candidates(enough, parts)) {
      if (performance.now() > giveUpAt) break;
      if (await isEnough(candidate)) smaller = candidate;
      if (smaller !== undefined) break;
    }
    if (smaller === undefined) parts *= 2;
    else {
      parts = smaller.length < enough.length / 2 + 1 ? 2 : Math.max(2, parts - 1);
      enough = smaller;
    }
  }
  return enough;
}

/**
 * The fewest inputs that bring something about, tried again `attempts` times; undefined when it did not come again. `see` says what some of them bring about.
 */
export async function traceFewest<T>(
  inputs: readonly T[],
  see: (some: readonly T[]) => Promise<Complaint | undefined>,
  limits: { readonly shrinkMs: number; readonly attempts: number },
  shown: {
    readonly input: (enough: readonly T[]) => string;
    readonly spec: (enough: readonly T[], complaint: Complaint, path: string) => string;
  },
): Promise<Traced | undefined> {
  const enough = await fewest(inputs, async (some) => (await see(some)) !== undefined, limits.shrinkMs);
  const again: Complaint[] = [];
  for (let attempt = 0; attempt < limits.attempts; attempt += 1) {
    const complaint = await see(enough);
    if (complaint !== undefined) again.push(complaint);
  }
  const last = again.at(-1);
  if (last === undefined) return undefined;
  return {
    complaint: last,
    reproduced: again.length,
    attempts: limits.attempts,
    input: shown.input(enough),
    spec: (path) => shown.spec(enough, last, path),
  };
}

/** Each part alone, then all but it. */
function* candidates<T>(things: readonly T[], parts: number): Generator<readonly T[]> {
  const size = Math.ceil(things.length / Math.min(parts, things.length));
  for (let from = 0; from < things.length; from += size) yield things.slice(from, from + size);
  if (parts === 2) return;
  for (let from = 0; from < things.length; from += size) yield things.toSpliced(from, size);
}
