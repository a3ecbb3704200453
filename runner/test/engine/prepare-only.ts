// SPDX-License-Identifier: MIT
// `--no-run`: everything that a run does before its first test, so that the run itself waits for nothing.
import { exitCodes } from "../../support/errors.ts";
import { plural } from "../../support/format.ts";
import type { Progress } from "../../support/progress.ts";
import { checkPlan } from "./check-plan.ts";
import { collect } from "./collect.ts";
import { prepareNamedKernels } from "./kernels.ts";
import { testsToRun } from "./plan.ts";
import { prepare } from "./prepare.ts";
import type { RunSettings } from "./settings.ts";

/** The exit code: 1 when a spec could not be loaded. */
export async function prepareOnly(settings: RunSettings, progress: Progress): Promise<number> {
  const { engine, plan, programs } = await collect(settings);
  await using _ = engine;
  checkPlan(plan, settings);
  for (const { file, message } of plan.brokenFiles)
    progress.note(`${file} could not be loaded\n${message.replace(/^/gm, "  ")}`);
  const files = testsToRun(plan);
  if (files.size > 0) {
    const { kernel, machine } = await prepare(settings, programs, progress);
    await prepareNamedKernels([...files.values()].flat(), settings, progress);
    const tests = [...files.values()].flat().length;
    console.log(
      `ready: ${plural(tests, "test")} in ${plural(files.size, "spec file")}, ${plural(programs.length, "program")}, on ${kernel.name} (${machine})`,
    );
  }
  return plan.brokenFiles.length > 0 ? exitCodes.failure : exitCodes.passed;
}
