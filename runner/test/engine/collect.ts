// SPDX-License-Identifier: MIT
// Reads all specs before anything runs: their programs, and those that can't be read.
import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { describeError } from "../../support/errors.ts";
import { type ExtractedProgram, extractPrograms } from "../collect/extract-programs.ts";
import type { BrokenFile } from "../reporters/reporter.ts";

export interface Collected {
  readonly files: readonly string[];
  readonly programs: readonly ExtractedProgram[];
  readonly brokenFiles: readonly BrokenFile[];
}

export async function collectSpecs(files: readonly string[], cwd: string): Promise<Collected> {
  const readable: string[] = [];
  const programs: ExtractedProgram[] = [];
  const brokenFiles: BrokenFile[] = [];
  for (const file of files) {
    const extraction = extractPrograms(file, await readFile(file, "utf8"));
    if (extraction.ok) {
      readable.push(file);
      programs.push(...extraction.programs);
    } else {
      brokenFiles.push({ file: relative(cwd, file), message: describeError(extraction.error) });
    }
  }
  return { files: readable, programs, brokenFiles };
}
