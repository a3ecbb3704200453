// SPDX-License-Identifier: MIT
// A run that tests nothing has not passed: it says why there was nothing.
import { RexTestError } from "../../support/errors.ts";
import type { Plan } from "./plan.ts";
import { describeSelection } from "./selection.ts";
import type { RunSettings } from "./settings.ts";

/** Throws when there is neither a test nor a file that could not be read. */
export function checkPlan(plan: Plan, { selection = {} }: Pick<RunSettings, "selection">): void {
  if (plan.tests.length > 0 || plan.brokenFiles.length > 0) return;
  if (plan.collected === 0 && selection.among === undefined)
    throw new RexTestError("the specs contain no tests", {
      hint: 'a test is registered with rexTest("name", async (t) => { … })',
    });
  throw new RexTestError(`no test matches ${describeSelection(selection)}`, {
    hint: "rex-test run --list shows all names",
  });
}
