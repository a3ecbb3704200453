// SPDX-License-Identifier: MIT
// Named parts of a test, nested as they are called, for the report.

import { RexTestError } from "../../support/errors.ts";

export interface StepRecord {
  readonly name: string;
  /** 0 for a step of the test itself. */
  readonly depth: number;
  /** From the guest's readiness. */
  readonly startedMs: number;
  readonly durationMs: number;
  readonly ok: boolean;
}

/** Where a step is: the names of the steps around it. Each step has an array of its own, by which it is told from others. */
export type StepPath = readonly string[];

export type StepState = "begun" | "passed" | "failed";

interface OpenStep {
  readonly path: StepPath;
  readonly startedAt: number;
  record: StepRecord | undefined;
}

export class Steps {
  readonly #startedAt = performance.now();
  readonly #onStep: (path: StepPath, state: StepState) => void;
  readonly #steps: OpenStep[] = [];
  readonly #running = new Map<StepPath, Set<StepPath>>();
  #failed: string | undefined;

  constructor(onStep: (path: StepPath, state: StepState) => void = () => undefined) {
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

  /** Runs `fn` as a step of its parent and records it. */
  async run<T>(parent: StepPath, name: string, fn: (path: StepPath) => Promise<T> | T): Promise<T> {
    const path = [...parent, name];
    const siblings = this.#runningIn(parent).add(path);
    // The place is taken when the step begins, so that a parent comes before its children.
    const step: OpenStep = { path, startedAt: performance.now(), record: undefined };
    this.#steps.push(step);
    let ok = false;
    this.#onStep(path, "begun");
    try {
      const result = await this.attribute(path, () => fn(path));
      ok = true;
      return result;
    } finally {
      siblings.delete(path);
      step.record = this.#recordOf(step, ok);
      this.#onStep(path, ok ? "passed" : "failed");
    }
  }

  /** Runs `fn`; when it fails, or leaves steps behind, the path is to blame. Nothing is recorded when it does not. */
  async attribute<T>(path: StepPath, fn: () => Promise<T> | T): Promise<T> {
    try {
      const result = await fn();
      this.expectNoneRunning(path);
      return result;
    } catch (error) {
      this.#failed ??= path.join(" > ");
      throw error;
    }
  }

  /** A step that nobody awaits goes on when its test is over, and its failure would be nobody's. */
  expectNoneRunning(parent: StepPath): void {
    const [left] = this.#runningIn(parent);
    if (left === undefined) return;
    const place = parent.length === 0 ? "the test" : `"${parent.at(-1)}"`;
    throw new RexTestError(
      `the step "${left.at(-1)}" was still running at the end of ${place}: await t.step(…)`,
      { outcome: "failure" },
    );
  }

  #runningIn(parent: StepPath): Set<StepPath> {
    const running = this.#running.get(parent) ?? new Set();
    this.#running.set(parent, running);
    return running;
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
