// SPDX-License-Identifier: MIT
// A run with its reporters, as `run` and `rerun` do it: what the reporters could not do is told, and counts.
import { pathToFileURL } from "node:url";
import { type Command, InvalidArgumentError, Option } from "commander";
import { describeError, exitCodes, messageOf, RexTestError } from "../support/errors.ts";
import { interruption } from "../support/interruption.ts";
import { Progress } from "../support/progress.ts";
import { isOutputClosed, standardOutputFailure } from "../support/standard-output.ts";
import { runSpecs } from "../test/engine/run-specs.ts";
import type { RunSettings } from "../test/engine/settings.ts";
import { destinations, parseReporter, type ReporterChoice, reporterKinds } from "../test/reporters/choice.ts";
import { createReporters } from "../test/reporters/create.ts";
import { type ReporterTrouble, troubleText } from "../test/reporters/group.ts";

export interface ReporterFlags {
  readonly reporter: readonly ReporterChoice[];
  readonly junitPath?: string;
}

export function addReporterOptions(command: Command): Command {
  const kinds = Object.entries(reporterKinds).map(([name, { title }]) => `${name} (${title})`);
  return command
    .addOption(
      new Option("--reporter <name[=file]>", `${kinds.join(", ")}; may be given several times`)
        .argParser(collectReporter)
        .default([], "pretty"),
    )
    .option("--junit-path <file>", "the same as --reporter junit=FILE, beside the others");
}

export function reporterChoices({ reporter, junitPath }: ReporterFlags): readonly ReporterChoice[] {
  const chosen: readonly ReporterChoice[] = reporter.length === 0 ? [{ name: "pretty" }] : reporter;
  if (junitPath === undefined) return chosen;
  // `--reporter junit --junit-path FILE` means one report.
  const others = chosen.filter(({ name, file }) => name !== "junit" || file !== undefined);
  return [...others, { name: "junit", file: junitPath }];
}

/** Runs the specs and leaves the exit code of the run. */
export async function reportRun(settings: RunSettings, choices: readonly ReporterChoice[]): Promise<void> {
  let interruptedCode: typeof process.exitCode;
  const onInterruption = () => {
    interruptedCode = process.exitCode;
  };
  interruption.addEventListener("abort", onInterruption);
  using progress = new Progress();
  const reporters = createReporters(choices, settings.cwd);
  try {
    const summary = await runSpecs(settings, reporters, progress);
    // vitest has an opinion about the exit code; ours is the one that counts.
    // So is that of an interruption after the last test, while reports are written.
    process.exitCode = interruptedCode ?? summary.exitCode;
  } catch (error) {
    reporters.onFatal(messageOf(error));
    throw error;
  } finally {
    interruption.removeEventListener("abort", onInterruption);
    for (const trouble of reporters.troubles) {
      console.error(
        trouble.error instanceof RexTestError ? describeError(trouble.error) : troubleText(trouble),
      );
    }
  }
  tellPages(choices, settings.cwd, reporters.troubles);
  const lost = await standardOutputFailure();
  if (lost !== undefined && !isOutputClosed())
    console.error(`the report on the standard output is not whole: ${lost.message}`);
  // Whoever waits for a report must not take its absence for good news.
  if ((reporters.troubles.length > 0 || lost !== undefined) && process.exitCode === exitCodes.passed)
    process.exitCode = exitCodes.infrastructure;
}

/** A page is there to be opened. */
function tellPages(
  choices: readonly ReporterChoice[],
  cwd: string,
  troubles: readonly ReporterTrouble[],
): void {
  for (const { name, path } of destinations(choices, cwd)) {
    if (name === "html" && path !== undefined && !troubles.some((trouble) => trouble.name === name))
      console.error(`report: ${pathToFileURL(path).href}`);
  }
}

function collectReporter(value: string, previous: readonly ReporterChoice[]): readonly ReporterChoice[] {
  try {
    return [...previous, parseReporter(value)];
  } catch (error) {
    if (error instanceof RexTestError)
      throw new InvalidArgumentError(`${error.message}${error.hint ? `; ${error.hint}` : ""}`);
    throw error;
  }
}
