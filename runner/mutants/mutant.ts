// SPDX-License-Identifier: MIT
// A mutant: a patch of kernel/sources that breaks one promise, with the promise and the specs that must notice in its head.
//
//   SPDX-License-Identifier: GPL-2.0-only
//   Promise: an object drops its maps
//   Specs: maps/ attach/hello
//   ---
//   --- a/kernel/rex/maps.c
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { RexTestError } from "../support/errors.ts";

export interface Mutant {
  readonly name: string;
  readonly promise: string;
  /** Paths below specs/, or beginnings of them. */
  readonly specs: readonly string[];
  readonly patch: string;
}

/** Reads the head of a mutant's patch. */
export function parseMutant(name: string, patch: string): Mutant {
  const head = patch.split(/^---$/m, 1)[0] ?? "";
  const field = (key: string): string => {
    const value = new RegExp(`^${key}: *(.+)$`, "m").exec(head)?.[1]?.trim();
    if (value) return value;
    throw new RexTestError(`the mutant ${name} has no line "${key}: …" in its head`, { outcome: "failure" });
  };
  return { name, promise: field("Promise"), specs: field("Specs").split(/\s+/), patch };
}

/** The mutants of a folder, by name; all of them unless some are named. */
export async function readMutants(folder: string, names: readonly string[]): Promise<Mutant[]> {
  const known = (await readdir(folder))
    .filter((file) => file.endsWith(".patch"))
    .map((file) => file.slice(0, -".patch".length))
    .sort();
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new RexTestError(`there is no mutant ${JSON.stringify(unknown)}`, {
      where: folder,
      hint: "rex-test mutants --list",
    });
  }
  const chosen = names.length > 0 ? known.filter((name) => names.includes(name)) : known;
  return await Promise.all(
    chosen.map(async (name) => parseMutant(name, await readFile(join(folder, `${name}.patch`), "utf8"))),
  );
}
