// SPDX-License-Identifier: MIT
// `rexTest`: registers a test with vitest. Everything that happens in it is in test-life.ts.
import { test, type TestContext as VitestContext } from "vitest";
import { describeError, RexTestError } from "../../support/errors.ts";
import type { RexExpect } from "../matchers/index.ts";
import type { Verdict } from "../outcome/verdict.ts";
import type { TestContext } from "./context.ts";
import { type AllHook, type EachHook, hooks, takeHooks } from "./hooks.ts";
import { workerSettings } from "./host-link.ts";
import { kernelInfo } from "./kernel.ts";
import { type CheckedOptions, checkOptions, type TestOptions } from "./options.ts";
import type {} from "./registration.ts"; // what it adds to vitest's types
import { type LifeResult, liveTest, type TestFunction, type TestSubject } from "./test-life.ts";

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
  /** Runs only the tests marked so in this file. In CI (the variable CI is set) it is an error, because it was left behind. */
  readonly only: RegisterTest;
  /** Reported, not run. */
  readonly ignore: RegisterTest;
  /** `rexTest.skipIf(process.arch !== "x64")("…", async (t) => …)`: ignored where the condition holds. */
  readonly skipIf: (condition: unknown) => RegisterTest;
  /** `rexTest.each([{ n: 1 }, { n: 2 }])("with $n", async (t, { n }) => …)` */
  readonly each: <T>(cases: readonly T[]) => RegisterEach<T>;
  /** Once before the tests of the file, on the host: there is no guest yet. When it fails, none of them is run. */
  readonly beforeAll: (hook: AllHook) => void;
  /** Once after the tests of the file, whatever became of them. */
  readonly afterAll: (hook: AllHook) => void;
  /** Before each test of the file, with its guest and within its limits; when it fails, so does the test. */
  readonly beforeEach: (hook: EachHook) => void;
  /** After each test of the file, also one that failed, with its guest as long as that answers. The last one registered is first. */
  readonly afterEach: (hook: EachHook) => void;
}

function registrar(preset: TestOptions): RegisterTest {
  return (name: string, second: TestOptions | TestFunction, third?: TestFunction) => {
    const fn = typeof second === "function" ? second : third;
    if (typeof name !== "string" || name.trim() === "")
      throw new RexTestError("rexTest: a test needs a name", { outcome: "failure" });
    if (fn === undefined)
      throw new RexTestError(`rexTest("${name}"): a test needs a function`, { outcome: "failure" });
    register(name, checkOptions(name, { ...(typeof second === "function" ? {} : second), ...preset }), fn);
  };
}

function register(name: string, options: CheckedOptions, fn: TestFunction): void {
  const { ignored, only, tags, retry, kernel } = options;
  const { forbidOnly, repeats } = workerSettings();
  if (only && forbidOnly) throw leftBehind(name);
  const registration = {
    skip: ignored !== undefined,
    // An ignored test marked only would have the others left out for nothing.
    only: only && ignored === undefined,
    repeats: options.repeats ?? repeats,
    ...(retry === undefined ? {} : { retry }),
    meta: { rexTest: { tags, ignored, kernel } },
  };
  test(name, registration, (context) => attempt(name, options, fn, context));
}

/** One run of the test function on a guest of its own; vitest calls it again for `retry` and `repeats`. */
async function attempt(
  name: string,
  options: CheckedOptions,
  fn: TestFunction,
  { task, expect, signal, skip }: VitestContext,
): Promise<void> {
  const missing = options.requiredConfig.filter((option) => !kernelInfo(options.kernel).config.has(option));
  if (missing.length > 0)
    skip(`this kernel is without ${missing.map((option) => `CONFIG_${option}`).join(", ")}`);
  const earlier = task.meta.rexTestAttempts ?? [];
  const earlierErrors = task.result?.errors?.length ?? 0;
  const subject: TestSubject = {
    name,
    specFile: task.file.filepath,
    taskId: task.id,
    attempt: earlier.length + 1,
    options,
    fn,
    hooks: takeHooks(task),
    // The matchers are added at run time (matchers/index.ts); the type says so.
    expect: expect as unknown as RexExpect,
    softFailures: () => (task.result?.errors ?? []).slice(earlierErrors).map(({ message }) => message),
    signal,
  };
  const { verdict, error } = await liveTest(subject).catch((error: unknown) => withoutGuest(error, signal));
  const repeat = task.result?.repeatCount ?? 0;
  task.meta.rexTestAttempts = [...earlier, { repeat, verdict, earlierErrors }];
  // What failed softly only is vitest's to tell: it has the errors already.
  if (error !== undefined) throw error;
}

function leftBehind(name: string): RexTestError {
  return new RexTestError(
    `rexTest("${name}") is marked only, which leaves out the other tests of its file. It was left behind: in CI, where the ` +
      "variable CI is set, that is an error. Take the mark away.",
    { outcome: "failure" },
  );
}

function each<T>(cases: readonly T[]): RegisterEach<T> {
  type CaseFunction = (t: TestContext, value: T) => unknown;
  return (name: string, second: TestOptions | CaseFunction, third?: CaseFunction) => {
    const fn = typeof second === "function" ? second : third;
    if (fn === undefined)
      throw new RexTestError(`rexTest.each("${name}"): a test needs a function`, { outcome: "failure" });
    const options = typeof second === "function" ? {} : second;
    for (const value of cases) registrar({})(nameOfCase(name, value), options, (t) => fn(t, value));
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
function withoutGuest(error: unknown, signal: AbortSignal): LifeResult {
  const outcome: Verdict["outcome"] = signal.aborted
    ? { kind: "never-ran", reason: "the run was interrupted" }
    : { kind: "infrastructure-failed", reason: describeError(error) };
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
export const rexTest: RexTest = Object.assign(registrar({}), {
  only: registrar({ only: true }),
  ignore: registrar({ ignore: true }),
  skipIf: (condition: unknown) => registrar(condition ? { ignore: "its skipIf holds here" } : {}),
  each,
  ...hooks,
});
