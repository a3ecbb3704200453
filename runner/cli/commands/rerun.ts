// SPDX-License-Identifier: MIT
// `rex-test rerun`: runs a test that failed again, with the settings that it failed with.
import { relative } from "node:path";
import { Command } from "commander";
import { exists } from "../../support/cache.ts";
import { RexTestError } from "../../support/errors.ts";
import { formatTable } from "../../support/format.ts";
import { interruption } from "../../support/interruption.ts";
import { styled } from "../../support/style.ts";
import { type FoundFailure, findFailure, recentFailures } from "../../test/engine/failures.ts";
import { nameFilter, parseFilter, type RunSettings } from "../../test/engine/settings.ts";
import { outcomeWords } from "../../test/outcome/outcome.ts";
import { colourOf } from "../../test/reporters/text.ts";
import { addReporterOptions, type ReporterFlags, reporterChoices, reportRun } from "../report-run.ts";

const mostListed = 30;

export const command = addReporterOptions(new Command("rerun"))
  .description("run a test that failed again, as it was run: kernel, machine, limits, seed")
  .argument(
    "[id]",
    "of the failure, as the report prints it, or its beginning; without one: list the recent failures",
  )
  .action(async (id: string | undefined, flags: ReporterFlags) => {
    const cwd = process.cwd();
    if (id === undefined) {
      console.log(listing(await recentFailures(cwd)));
      return;
    }
    const failure = await findFailure(cwd, id);
    await reportRun(await settingsOfRerun(failure), reporterChoices(flags));
  });

/** As the test was run when it failed. */
export async function settingsOfRerun(failure: FoundFailure): Promise<RunSettings> {
  const { file, name, settings } = failure;
  const { kernel, config } = settings;
  if (!(await exists(kernel))) {
    throw new RexTestError("the kernel that the test failed on is not there any more", {
      where: kernel,
      hint: `rex-test kernel build${config === undefined ? "" : ` --config ${config}`} makes one of today's sources; then run it with\nrex-test run ${file} --filter …`,
    });
  }
  return {
    ...settings,
    paths: [file],
    selection: { filter: parseFilter(nameFilter(name)) },
    jobs: 1,
    // The folder says which kernel; its config might be built anew.
    config: undefined,
    signal: interruption,
  };
}

function listing(failures: readonly FoundFailure[]): string {
  if (failures.length === 0) return "no failures are known here";
  const rows = failures
    .slice(0, mostListed)
    .map(({ id, at, outcome, file, name }) => [
      id,
      at.replace("T", " ").replace(/\..*/, ""),
      styled(colourOf(outcome), outcomeWords(outcome)),
      `${file} > ${name}`,
    ]);
  const [newest] = failures;
  const left = failures.length - rows.length;
  return [
    formatTable(rows),
    ...(left > 0 ? [`… and ${left} older ones`] : []),
    "",
    `rex-test rerun ${newest?.id ?? "<id>"}  runs the newest again; what was kept of it: ${relative(process.cwd(), newest?.folder ?? "")}/`,
  ].join("\n");
}
