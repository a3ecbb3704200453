// SPDX-License-Identifier: MIT
// `rexTest`: registers a test with vitest. Everything that happens in it is in test-life.ts.
import { test } from "vitest";
import { describeError, RexTestError } from "../../support/errors.ts";
import type { RexExpect } from "../matchers/index.ts";
import type { TestContext } from "./context.ts";
import { kernelInfo } from "./kernel.ts";
import { checkOptions, type TestOptions } from "./options.ts";
import { liveTest, type TestFunction } from "./test-life.ts";

export interface RegisterTest {
  (name: string, fn: TestFunction): void;
  (name: string, options: TestOptions, fn: TestFunction): void;
}

/** One test for each case; `$key` in the name stands for that part of the case, `$case` for the case itself. */
export interface RegisterEach<T> {
  (name: string, fn: (t: TestContext, value: T) => unknown): void;
  (name: string, options: TestOptions, fn: (t: TestContext, value: T) => unknown): void;
}

export interface RexTest extends RegisterTest {
  /** Runs only the tests marked so in this file. */
  readonly only: RegisterTest;
  /** Reported, not run. */
  readonly ignore: RegisterTest;
  /** `rexTest.each([{ n: 1 }, { n: 2 }])("with $n", async (t, { n }) => …)` */
  readonly each: <T>(cases: readonly T[]) => RegisterEach<T>;
}

type Mode = "run" | "only" | "ignore";

function registrar(mode: Mode): RegisterTest {
  return (name: string, second: TestOptions | TestFunction, third?: TestFunction) => {
    const fn = typeof second === "function" ? second : third;
    if (typeof name !== "string" || name.trim() === "")
      throw new RexTestError("rexTest: a test needs a name", { outcome: "failure" });
    if (fn === undefined)
      throw new RexTestError(`rexTest("${name}"): a test needs a function`, { outcome: "failure" });
    const options = checkOptions(name, typeof second === "function" ? {} : second);
    const register = mode === "only" ? test.only : mode === "ignore" ? test.skip : test;
    register(name, async ({ task, expect, signal, skip }) => {
      const missing = options.requiredConfig.filter((option) => !kernelInfo().config.has(option));
      if (missing.length > 0)
        skip(`this kernel is without ${missing.map((option) => `CONFIG_${option}`).join(", ")}`);
      // The matchers are added at run time (matchers/index.ts); the type says so.
      const subject = {
        name,
        specFile: task.file.filepath,
        taskId: task.id,
        options,
        fn,
        expect: expect as unknown as RexExpect,
        signal,
      };
      const result = await liveTest(subject).catch((error: unknown) => withoutGuest(error, signal));
      task.meta.rexTest = result.verdict;
      if (result.verdict.outcome.kind !== "passed") throw result.error;
    });
  };
}

function each<T>(cases: readonly T[]): RegisterEach<T> {
  type CaseFunction = (t: TestContext, value: T) => unknown;
  return (name: string, second: TestOptions | CaseFunction, third?: CaseFunction) => {
    const fn = typeof second === "function" ? second : third;
    if (fn === undefined)
      throw new RexTestError(`rexTest.each("${name}"): a test needs a function`, { outcome: "failure" });
    const options = typeof second === "function" ? {} : second;
    for (const value of cases) registrar("run")(nameOfCase(name, value), options, (t) => fn(t, value));
  };
}

/** "with $n" and { n: 1 } → "with 1". */
export function nameOfCase(name: string, value: unknown): string {
  return name.replaceAll(/\$(\w+)/g, (whole, key: string) => {
    if (key === "case") return String(value);
    const part: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
    return part === undefined ? whole : String(part);
  });
}

/** The test did not get as far as having a guest. */
function withoutGuest(error: unknown, signal: AbortSignal) {
  const outcome = signal.aborted
    ? ({ kind: "never-ran", reason: "the run was interrupted" } as const)
    : ({ kind: "infrastructure-failed", reason: describeError(error) } as const);
  return { verdict: { outcome, durationMs: 0, queuedMs: 0, readyMs: 0, steps: [] }, error };
}

/**
 * Registers a test: a function that gets a kernel of its own.
 *
 * @example
 * rexTest("dup is seen", async (t) => {
 *   const program = await t.load("hello");
 *   await using link = await program.attach();
 *   t.expect(await t.guest.syscall("dup", 1)).toReturn(3);
 * });
 */
export const rexTest: RexTest = Object.assign(registrar("run"), {
  only: registrar("only"),
  ignore: registrar("ignore"),
  each,
});
