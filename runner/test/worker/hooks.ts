// SPDX-License-Identifier: MIT
// `rexTest.beforeEach` and its kin. vitest knows which hooks belong to which test; a hook that is to have the test's guest can't
// run where vitest runs it, though, because there is no guest yet. So vitest's hooks only note ours, and the test runs them.
import { afterAll, beforeAll, beforeEach, type TestContext as VitestContext } from "vitest";
import { messageOf } from "../../support/errors.ts";
import type { TestContext } from "./context.ts";

export type EachHook = (t: TestContext) => unknown;
export type AllHook = () => unknown;

export interface HooksOfTest {
  /** In the order in which they run. */
  readonly before: readonly EachHook[];
  readonly after: readonly EachHook[];
}

type Task = VitestContext["task"];

const noted = new WeakMap<Task, { before: EachHook[]; after: EachHook[] }>();

/** The hooks of this attempt of a test; each attempt has them noted anew. */
export function takeHooks(task: Task): HooksOfTest {
  const hooks = noted.get(task) ?? { before: [], after: [] };
  noted.delete(task);
  // What was set up first is torn down last.
  return { before: hooks.before, after: hooks.after.toReversed() };
}

function note(task: Task, when: "before" | "after", hook: EachHook): void {
  const hooks = noted.get(task) ?? { before: [], after: [] };
  hooks[when].push(hook);
  noted.set(task, hooks);
}

export const hooks = {
  beforeAll(hook: AllHook): void {
    beforeAll(() => named("beforeAll", hook));
  },
  afterAll(hook: AllHook): void {
    afterAll(() => named("afterAll", hook));
  },
  beforeEach(hook: EachHook): void {
    beforeEach(({ task }) => note(task, "before", hook));
  },
  afterEach(hook: EachHook): void {
    // Noted before the test: when vitest calls its own afterEach the guest is gone.
    beforeEach(({ task }) => note(task, "after", hook));
  },
} as const;

/** What goes wrong in a hook of the file is no test's, and its message has to say whose it is. */
async function named(name: "beforeAll" | "afterAll", hook: AllHook): Promise<void> {
  try {
    await hook();
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(messageOf(error));
    failure.message = `the ${name} hook failed: ${failure.message}`;
    throw failure;
  }
}
