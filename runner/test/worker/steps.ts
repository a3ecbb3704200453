// SPDX-License-Identifier: MIT
// Named parts of a test, nested as they are called, for the report.

export interface StepRecord {
  readonly name: string;
  /** 0 for a step of the test itself. */
  readonly depth: number;
  readonly durationMs: number;
  readonly ok: boolean;
}

export class Steps {
  readonly #records: (StepRecord | undefined)[] = [];
  #failed: string | undefined;

  get records(): readonly StepRecord[] {
    return this.#records.filter((record) => record !== undefined);
  }

  /** "outer > inner" of the innermost step that failed first. */
  get failed(): string | undefined {
    return this.#failed;
  }

  async run<T>(path: readonly string[], fn: () => Promise<T> | T): Promise<T> {
    // The place is taken when the step begins, so that a parent comes before its children.
    const place = this.#records.push(undefined) - 1;
    const startedAt = performance.now();
    let ok = false;
    try {
      const result = await fn();
      ok = true;
      return result;
    } catch (error) {
      this.#failed ??= path.join(" > ");
      throw error;
    } finally {
      const durationMs = Math.round(performance.now() - startedAt);
      this.#records[place] = { name: path.at(-1) ?? "", depth: path.length - 1, durationMs, ok };
    }
  }
}
