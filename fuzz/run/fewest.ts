// SPDX-License-Identifier: MIT
// The fewest things of many that are enough: ever smaller parts, as long as one of them is enough.

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

/** Each part alone, then all but it. */
function* candidates<T>(things: readonly T[], parts: number): Generator<readonly T[]> {
  const size = Math.ceil(things.length / Math.min(parts, things.length));
  for (let from = 0; from < things.length; from += size) yield things.slice(from, from + size);
  if (parts === 2) return;
  for (let from = 0; from < things.length; from += size) yield things.toSpliced(from, size);
}
