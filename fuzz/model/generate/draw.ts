// SPDX-License-Identifier: MIT
// Choices, all of which come from fast-check's generator: the same seed chooses the same.
import type { Random } from "fast-check";
import { type IntName, isSigned, maxOf, minOf } from "../types.ts";

export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Both ends included. */
  int(low: number, high: number): number {
    return this.#random.nextInt(low, high);
  }

  /** True in so many of a hundred cases. */
  percent(chance: number): boolean {
    return this.int(0, 99) < chance;
  }

  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T {
    const chosen = from[this.int(0, from.length - 1)];
    if (chosen === undefined) throw new Error("there is nothing to choose from");
    return chosen;
  }

  /** One of the choices, each as often as its weight says. Those of weight 0 are not chosen. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    let at = this.int(0, total - 1);
    for (const [weight, choice] of choices) {
      if (at < weight) return choice;
      at -= weight;
    }
    throw new Error("there is nothing to choose from");
  }

  list<T>(low: number, high: number, make: () => T): T[] {
    return Array.from({ length: this.int(low, high) }, make);
  }

  /** Preferably a number near which something happens. */
  literal(type: IntName): bigint {
    const [min, max] = [minOf(type), maxOf(type)];
    switch (this.int(0, 5)) {
      case 0:
        return this.pick([0n, 1n, 2n]);
      case 1:
        return this.pick([max, max - 1n, min, min + 1n]);
      case 2:
        return this.#random.nextBigInt(min, max);
      case 3:
        return isSigned(type) ? BigInt(-this.int(1, 9)) : 1n << BigInt(this.int(0, 6));
      default:
        return BigInt(this.int(0, 100));
    }
  }
}
