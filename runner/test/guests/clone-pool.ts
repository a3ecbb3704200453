// SPDX-License-Identifier: MIT
// Clones that wait, so that the next test need not wait for QEMU to start. Filled again when a guest has come to life: that is
// when its test begins to do something else than to keep the CPU busy with starting.

export interface PooledClone extends AsyncDisposable {
  readonly hasEnded: boolean;
}

interface Waiting<C> {
  readonly key: string;
  readonly clone: Promise<C | undefined>;
}

export class ClonePool<C extends PooledClone> implements AsyncDisposable {
  /** Clones at most, of all kinds. */
  readonly #size: number;
  /** Oldest first. */
  #waiting: Waiting<C>[] = [];
  readonly #ending = new Set<Promise<void>>();
  #closed = false;

  constructor(size: number) {
    this.#size = size;
  }

  /** One that waits, if there is one that is still alive. */
  async take(key: string): Promise<C | undefined> {
    for (;;) {
      const index = this.#waiting.findIndex((waiting) => waiting.key === key);
      const [taken] = index < 0 ? [] : this.#waiting.splice(index, 1);
      if (taken === undefined) return undefined;
      const clone = await taken.clone;
      if (clone !== undefined && !clone.hasEnded) return clone;
    }
  }

  /** Starts clones of this kind until as many wait as may, at the cost of other kinds: the next test is likely to be like the last. */
  fill(key: string, start: () => Promise<C>): void {
    if (this.#closed) return;
    const ofKind = this.#waiting.filter((waiting) => waiting.key === key).length;
    for (let missing = this.#size - ofKind; missing > 0; missing -= 1) {
      if (this.#waiting.length >= this.#size) this.#dropOneOfOthers(key);
      // That it could not be started is told when somebody wants one and starts it.
      this.#waiting.push({ key, clone: start().catch(() => undefined) });
    }
  }

  /** Ends all of a kind. */
  drop(key: string): void {
    for (const waiting of this.#waiting.filter((candidate) => candidate.key === key)) this.#end(waiting);
    this.#waiting = this.#waiting.filter((waiting) => waiting.key !== key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#waiting) this.#end(waiting);
    this.#waiting = [];
    await Promise.all(this.#ending);
  }

  #dropOneOfOthers(key: string): void {
    const index = this.#waiting.findIndex((waiting) => waiting.key !== key);
    const [dropped] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (dropped !== undefined) this.#end(dropped);
  }

  #end(waiting: Waiting<C>): void {
    const ended = waiting.clone.then((clone) => clone?.[Symbol.asyncDispose]()).catch(() => undefined);
    const known = ended.finally(() => this.#ending.delete(known));
    this.#ending.add(known);
  }
}
