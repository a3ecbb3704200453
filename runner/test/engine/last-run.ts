// SPDX-License-Identifier: MIT
// What did not pass in the last run, for `--last-failed`: artifacts/.last-run.json in the folder that it was started in.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, RexTestError } from "../../support/errors.ts";
import type { RunSummary } from "../reporters/reporter.ts";
import { artifactsRoot } from "./artifacts-folder.ts";

const version = 1;

/** A test, or without a name all tests of a file that failed as a whole. */
export interface NotPassed {
  readonly file: string;
  readonly name?: string | undefined;
}

/** Tests that never ran are among them, so that what was interrupted or ended by --fail-fast can be gone on with. */
export function notPassed({ tests, brokenFiles }: RunSummary): readonly NotPassed[] {
  return [
    ...brokenFiles.map(({ file }) => ({ file })),
    ...tests
      .filter(({ verdict }) => verdict.outcome.kind !== "passed")
      .map(({ file, name }) => ({ file, name })),
  ];
}

export async function rememberRun(cwd: string, summary: RunSummary): Promise<void> {
  const root = artifactsRoot(cwd);
  await mkdir(root, { recursive: true });
  // Nobody has it in git by mistake, even when nothing else was kept.
  await writeFile(join(root, ".gitignore"), "*\n");
  const record = recordOf(cwd);
  try {
    await writeFile(record, `${JSON.stringify({ version, notPassed: notPassed(summary) }, null, 2)}\n`);
  } catch (error) {
    // Half of it would be taken for a damaged one.
    await rm(record, { force: true });
    throw error;
  }
}

export async function lastNotPassed(cwd: string): Promise<readonly NotPassed[]> {
  const where = recordOf(cwd);
  const text = await readFile(where, "utf8").catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new RexTestError("there is no last run whose failures --last-failed could run", {
      where,
      hint: "rex-test run, in this folder",
    });
  });
  const list = parse(text);
  if (list === undefined)
    throw new RexTestError("the record of the last run can't be read", {
      where,
      hint: "rex-test run makes a new one",
    });
  if (list.length > 0) return list;
  throw new RexTestError("nothing failed in the last run: there is nothing for --last-failed to run", {
    where,
  });
}

function recordOf(cwd: string): string {
  return join(artifactsRoot(cwd), ".last-run.json");
}

/** Written by this version of ourselves; anything else is no record. */
function parse(text: string): readonly NotPassed[] | undefined {
  try {
    const record: unknown = JSON.parse(text);
    if (typeof record !== "object" || record === null || Reflect.get(record, "version") !== version)
      return undefined;
    return Reflect.get(record, "notPassed") as readonly NotPassed[];
  } catch {
    return undefined;
  }
}
