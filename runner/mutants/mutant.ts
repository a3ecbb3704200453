// SPDX-License-Identifier: MIT
// A mutant: a patch of kernel/sources that breaks one promise, with the promise and the specs that must notice in its head.
//
//   SPDX-License-Identifier: GPL-2.0-only
//   Promise: an object drops its maps
//   Specs: maps/ attach/hello
//   Config: kasan                (if the specs need another kernel than the default one)
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
  /** What `kernel build --config` takes. */
  readonly config: string;
  readonly patch: string;
}

/** The file in a folder of mutants that lists those which CI tries, a name on each line. */
const ciList = "ci.txt";

/** Reads the head of a mutant's patch. */
export function parseMutant(name: string, patch: string): Mutant {
  const head = patch.split(/^---$/m, 1)[0] ?? "";
  const find = (key: string) => new RegExp(`^${key}: *(.+)$`, "m").exec(head)?.[1]?.trim();
  const field = (key: string): string => {
    const value = find(key);
    if (value) return value;
    throw new RexTestError(`the mutant ${name} has no line "${key}: …" in its head`, { outcome: "failure" });
  };
  return {
    name,
    promise: field("Promise"),
    specs: field("Specs").split(/\s+/),
    config: find("Config") ?? "default",
    patch,
  };
}

/** The names of the mutants that CI tries. */
export async function readCiNames(folder: string): Promise<string[]> {
  const lines = (await readFile(join(folder, ciList), "utf8")).split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

/** Part `index` (from 1) of `count`: every count-th, so that mutants of the same specs are spread over the parts. */
export function takeShard<T>(all: readonly T[], index: number, count: number): T[] {
  return all.filter((_, position) => position % count === index - 1);
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
