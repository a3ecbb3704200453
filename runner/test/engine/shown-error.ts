// SPDX-License-Identifier: MIT
// vitest's serialised errors, as far as they are shown.
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { ShownError } from "../reporters/reporter.ts";

export interface RawError {
  readonly message?: string;
  readonly name?: string;
  readonly diff?: string;
  readonly stack?: string;
  readonly stacks?: readonly { readonly file: string; readonly line: number; readonly column: number }[];
  /** Of an error outside of any test: the file that was being run. */
  readonly VITEST_TEST_PATH?: string;
}

export function shownError(error: RawError, cwd: string): ShownError {
  return {
    message: stripVTControlCharacters(error.message ?? error.name ?? "an error without a message"),
    diff: error.diff === undefined ? undefined : stripVTControlCharacters(error.diff),
    at: placeOf(error, cwd),
  };
}

function placeOf({ stacks, stack, VITEST_TEST_PATH: path }: RawError, cwd: string): string | undefined {
  const frame = stacks?.find(({ file }) => !file.includes("/node_modules/") && file.endsWith(".spec.ts"));
  if (frame !== undefined) return `${relative(cwd, frame.file)}:${frame.line}:${frame.column}`;
  // Errors outside of tests come with their stack as a text; one that does not reach a spec at least with its file.
  const [, file, place] = /\(?(\/[^()\n]*\.spec\.ts)(:\d+:\d+)\)?$/m.exec(stack ?? "") ?? [];
  if (file !== undefined) return `${relative(cwd, file)}${place ?? ""}`;
  return path === undefined ? undefined : relative(cwd, path);
}

export function textOf(error: ShownError): string {
  return error.at === undefined ? error.message : `${error.message}\n  at ${error.at}`;
}
