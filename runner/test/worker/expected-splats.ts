// SPDX-License-Identifier: MIT
// What a test said the kernel would complain about. An expected splat is not held against the test, and one that does not come is.
import { matches, type Pattern } from "../matchers/result.ts";
import type { Splat } from "../outcome/splat.ts";

export interface ExpectSplatOptions {
  /** How many; 1 if not given. */
  readonly count?: number;
}

interface Expectation {
  readonly pattern: Pattern;
  readonly count: number;
}

export class ExpectedSplats {
  readonly #expectations: Expectation[] = [];

  get areThere(): boolean {
    return this.#expectations.length > 0;
  }

  expect(pattern: Pattern, { count = 1 }: ExpectSplatOptions = {}): void {
    if (!Number.isInteger(count) || count < 1)
      throw new RangeError(`expectSplat: count is ${count}, and has to be a whole number from 1 on`);
    this.#expectations.push({ pattern, count });
  }

  /** Each splat is accounted to the first expectation that it matches and that still waits for one. */
  judge(splats: readonly Splat[]): Judgement {
    const left = this.#expectations.map(({ count }) => count);
    const unexpected = splats.filter((splat) => {
      const index = this.#expectations.findIndex(
        ({ pattern }, i) =>
          (left[i] ?? 0) > 0 && matches(pattern, `${splat.kind}: ${splat.title}\n${splat.lines.join("\n")}`),
      );
      if (index < 0) return true;
      left[index] = (left[index] ?? 0) - 1;
      return false;
    });
    const missing = this.#expectations.flatMap(({ pattern, count }, index) => {
      const lacking = left[index] ?? 0;
      return lacking === 0
        ? []
        : [
            `the kernel was expected to complain with ${String(pattern)} ${times(count)}, and did so ${times(count - lacking)}`,
          ];
    });
    return { unexpected, missing };
  }
}

export interface Judgement {
  readonly unexpected: readonly Splat[];
  /** A complaint for each expectation that was not met. */
  readonly missing: readonly string[];
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
