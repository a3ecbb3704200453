// SPDX-License-Identifier: MIT
// vitest's serialised errors, as far as they are shown.
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { ShownError } from "../reporters/reporter.ts";

export interface RawError {
  readonly message?: string;
  readonly name?: string;
  readonly diff?: string;
  readonly stacks?: readonly { readonly file: string; readonly line: number; readonly column: number }[];
}

export function shownError(error: RawError, cwd: string): ShownError {
  const frame = error.stacks?.find(
    ({ file }) => !file.includes("/node_modules/") && file.endsWith(".spec.ts"),
  );
  return {
    message: stripVTControlCharacters(error.message ?? error.name ?? "an error without a message"),
    diff: error.diff === undefined ? undefined : stripVTControlCharacters(error.diff),
    at: frame ? `${relative(cwd, frame.file)}:${frame.line}:${frame.column}` : undefined,
  };
}

export function textOf(error: ShownError): string {
  return error.at === undefined ? error.message : `${error.message}\n  at ${error.at}`;
}
