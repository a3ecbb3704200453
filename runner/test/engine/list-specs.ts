// SPDX-License-Identifier: MIT
// The names of the wanted tests, without running any.
import { RexTestError } from "../../support/errors.ts";
import { checkPlan } from "./check-plan.ts";
import { collect } from "./collect.ts";
import type { RunSettings } from "./settings.ts";

/** "specs/hello.spec.ts > name", in the order of the files. */
export async function listSpecs(settings: RunSettings): Promise<readonly string[]> {
  // What was left behind is no reason not to say what there is.
  const { engine, plan } = await collect({ ...settings, ci: false });
  await using _ = engine;
  const [broken] = plan.brokenFiles;
  if (broken)
    throw new RexTestError("a spec could not be loaded", {
      outcome: "failure",
      where: broken.file,
      detail: broken.message,
    });
  checkPlan(plan, settings);
  return plan.tests.map(
    ({ file, name, ignored }) => `${file} > ${name}${ignored === undefined ? "" : "  (ignored)"}`,
  );
}
