// SPDX-License-Identifier: MIT
// What has run of the runtime so far, over many guests of one kernel.
import type { Counters } from "./counters.ts";
import type { ObjectCounters } from "./gcda.ts";

export class Coverage {
  readonly #objects = new Map<string, ObjectCounters>();

  /** Arcs that the compiler counts: about one for each way that the code can go. */
  get arcs(): number {
    return this.#sum(({ counts }) => counts.length);
  }

  /** Of them those that were taken. */
  get taken(): number {
    return this.#sum(({ counts }) => counts.reduce((taken, count) => taken + (count > 0 ? 1 : 0), 0));
  }

  get counters(): Counters {
    return this.#objects;
  }

  /** How many arcs were taken here for the first time. Nothing is added. */
  novelty(counters: Counters): number {
    let fresh = 0;
    for (const [name, { counts }] of counters) {
      const known = this.#objects.get(name)?.counts;
      for (let arc = 0; arc < counts.length; arc++)
        if ((counts[arc] ?? 0) > 0 && (known?.[arc] ?? 0) === 0) fresh += 1;
    }
    return fresh;
  }

  /**
   * Adds what has run, and says how many arcs were taken for the first time. Counters of a guest are to be set to zero between two
   * readings (`takeCounters`), unless only what is new is of interest and not how often.
   * @throws Error for counters of another kernel.
   */
  add(counters: Counters): number {
    for (const [name, { shape }] of counters) {
      const known = this.#objects.get(name);
      if (known !== undefined && known.shape.stamp !== shape.stamp)
        throw new Error(`counters of ${name}.c are of another kernel`);
    }
    const fresh = this.novelty(counters);
    for (const [name, { shape, counts }] of counters) {
      const known = this.#objects.get(name);
      if (known === undefined) this.#objects.set(name, { shape, counts: counts.slice() });
      else
        for (let arc = 0; arc < counts.length; arc++)
          known.counts[arc] = (known.counts[arc] ?? 0) + (counts[arc] ?? 0);
    }
    return fresh;
  }

  /** Adds what another one has seen of the same kernel. */
  merge(other: Coverage): number {
    return this.add(other.counters);
  }

  #sum(of: (object: ObjectCounters) => number): number {
    return [...this.#objects.values()].reduce((sum, object) => sum + of(object), 0);
  }
}
