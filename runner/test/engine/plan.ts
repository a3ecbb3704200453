// SPDX-License-Identifier: MIT
// What a run is going to do, known before anything is prepared: the tests that were wanted, those of them that are ignored, and
// files that are no specs.
import { relative } from "node:path";
import type { TestCase, TestModule } from "vitest/node";
import type { BrokenFile } from "../reporters/reporter.ts";
import { type Selection, select, type TestName } from "./selection.ts";

export interface PlannedTest extends TestName {
  /** vitest's, the same whenever the file is loaded. */
  readonly id: string;
  /** Absolute. */
  readonly specFile: string;
  /** Where the spec registers it. */
  readonly line: number | undefined;
  readonly tags: readonly string[];
  /** Configs of the kernel that it asks for; the run's if absent. */
  readonly kernel: string | undefined;
  /** Why it is not run. */
  readonly ignored?: string | undefined;
}

export interface Plan {
  /** The wanted tests, ignored ones included, in the order of the files. */
  readonly tests: readonly PlannedTest[];
  readonly brokenFiles: readonly BrokenFile[];
  /** Before the selection; 0 means that the specs have no tests at all. */
  readonly collected: number;
}

export function makePlan(
  modules: readonly TestModule[],
  selection: Selection,
  cwd: string,
  brokenFile: (module: TestModule) => BrokenFile | undefined,
): Plan {
  const sorted = modules.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1));
  const tests = sorted.flatMap((module) =>
    [...module.children.allTests()].map((test) => plannedTest(test, module, cwd)),
  );
  const brokenFiles = sorted.map(brokenFile).filter((file) => file !== undefined);
  return { tests: select(tests, selection), brokenFiles, collected: tests.length };
}

/** Of each file the tests that are to be run. */
export function testsToRun(plan: Plan): ReadonlyMap<string, readonly PlannedTest[]> {
  return Map.groupBy(
    plan.tests.filter(({ ignored }) => ignored === undefined),
    ({ specFile }) => specFile,
  );
}

/** How many results each file will have. */
export function resultsOf({
  tests,
  brokenFiles,
}: Plan): readonly { readonly file: string; readonly tests: number }[] {
  const byFile = [...Map.groupBy(tests, ({ file }) => file)];
  return [
    ...byFile.map(([file, ofFile]) => ({ file, tests: ofFile.length })),
    ...brokenFiles.map(({ file }) => ({ file, tests: 0 })),
  ];
}

function plannedTest(test: TestCase, module: TestModule, cwd: string): PlannedTest {
  const { tags = [], ignored, kernel } = test.meta().rexTest ?? {};
  const leftOut = test.options.mode === "skip" ? "another test of its file is marked only" : undefined;
  return {
    id: test.id,
    specFile: module.moduleId,
    file: relative(cwd, module.moduleId),
    name: test.fullName,
    line: test.location?.line,
    tags,
    kernel,
    ignored: ignored ?? leftOut,
  };
}
