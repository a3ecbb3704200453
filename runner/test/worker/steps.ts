// SPDX-License-Identifier: MIT
// Named parts of a test, nested as they are called, for the report.

export interface StepRecord {
  readonly name: string;
  /** 0 for a step of the test itself. */
  readonly depth: number;
  /** From the guest's readiness. */
  readonly startedMs: number;
  readonly durationMs: number;
  readonly ok: boolean;
}

export type StepState = "begun" | "passed" | "failed";

interface OpenStep {
  readonly path: readonly string[];
  readonly startedAt: number;
  record: StepRecord | undefined;
}

export class Steps {
  readonly #startedAt = performance.now();
  readonly #onStep: (path: readonly string[], state: StepState) => void;
  readonly #steps: OpenStep[] = [];
  #failed: string | undefined;

  constructor(onStep: (path: readonly string[], state: StepState) => void = () => undefined) {
    this.#onStep = onStep;
  }

  /** In the order in which they began. One that has not ended did not succeed. */
  get records(): readonly StepRecord[] {
    return this.#steps.map((step) => step.record ?? this.#recordOf(step, false));
  }

  /** "outer > inner" of the innermost step that failed first, or that the test did not get out of. */
  get failed(): string | undefined {
    return this.#failed ?? this.#steps.findLast(({ record }) => record === undefined)?.path.join(" > ");
  }

  async run<T>(path: readonly string[], fn: () => Promise<T> | T): Promise<T> {
    // The place is taken when the step begins, so that a parent comes before its children.
    const step: OpenStep = { path, startedAt: performance.now(), record: undefined };
    this.#steps.push(step);
    let ok = false;
    this.#onStep(path, "begun");
    try {
      const result = await fn();
      ok = true;
      return result;
    } catch (error) {
      this.#failed ??= path.join(" > ");
      throw error;
    } finally {
      step.record = this.#recordOf(step, ok);
      this.#onStep(path, ok ? "passed" : "failed");
    }
  }

  #recordOf({ path, startedAt }: OpenStep, ok: boolean): StepRecord {
    return {
      name: path.at(-1) ?? "",
      depth: path.length - 1,
      startedMs: Math.round(startedAt - this.#startedAt),
      durationMs: Math.round(performance.now() - startedAt),
      ok,
    };
  }
}
