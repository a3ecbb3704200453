// SPDX-License-Identifier: MIT
// `rexTest`: registers a test with vitest. Everything that happens in it is in test-life.ts.
import { test } from "vitest";
import { describeError, RexTestError } from "../../support/errors.ts";
import type { RexExpect } from "../matchers/index.ts";
import { checkOptions, type TestOptions } from "./options.ts";
import { liveTest, type TestFunction } from "./test-life.ts";

export interface RegisterTest {
  (name: string, fn: TestFunction): void;
  (name: string, options: TestOptions, fn: TestFunction): void;
}

export interface RexTest extends RegisterTest {
  /** Runs only the tests marked so in this file. */
  readonly only: RegisterTest;
  /** Reported, not run. */
  readonly ignore: RegisterTest;
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
    register(name, async ({ task, expect, signal }) => {
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
});
