// SPDX-License-Identifier: MIT
// Something that is made of choices, as many times as there are seeds: the same seed makes the same.
import fc from "fast-check";
import { Draw } from "./draw.ts";

class Made<T> extends fc.Arbitrary<T> {
  readonly #make: (draw: Draw) => T;

  constructor(make: (draw: Draw) => T) {
    super();
    this.#make = make;
  }

  override generate(random: fc.Random): fc.Value<T> {
    return new fc.Value(this.#make(new Draw(random)), undefined);
  }

  override canShrinkWithoutContext(_: unknown): _ is T {
    return false;
  }

  override shrink(): fc.Stream<fc.Value<T>> {
    return fc.Stream.nil();
  }
}

export function madeOf<T>(seed: number, make: (draw: Draw) => T): T {
  const made = fc.sample(new Made(make), { seed, numRuns: 1 });
  if (made.length !== 1) throw new Error("fast-check has made nothing");
  return made[0] as T;
}

/** A seed of its own for each of a campaign's inputs, so that it can go on in the middle. */
export function seedOf(campaign: number, index: number): number {
  return (Math.imul(campaign, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b)) | 0;
}
