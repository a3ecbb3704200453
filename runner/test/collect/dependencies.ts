// SPDX-License-Identifier: MIT
// The files that a spec is made of: itself, the modules of the project that it imports, the programs it loads by name, its
// snapshots. And from files that changed the specs that are to be run again.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { parseSync } from "oxc-parser";
import { extractPrograms } from "./extract-programs.ts";

export interface SpecFiles {
  readonly spec: string;
  /** Absolute; a folder stands for everything in it. */
  readonly dependencies: ReadonlySet<string>;
}

export type Affected =
  | { readonly kind: "some"; readonly specs: readonly string[] }
  /** A file changed of which nobody knows which specs depend on it. */
  | { readonly kind: "all"; readonly because: string };

export function filesOfSpec(spec: string): SpecFiles {
  const dependencies = new Set<string>();
  follow(spec, dependencies);
  dependencies.add(join(dirname(spec), "__snapshots__", `${basename(spec)}.snap`));
  for (const file of [...dependencies]) {
    if (!file.endsWith(".ts") || !existsSync(file)) continue;
    const extraction = extractPrograms(file, readFileSync(file, "utf8"));
    for (const { source } of extraction.ok ? extraction.programs : [])
      if (source.kind === "fixture") dependencies.add(source.path);
  }
  return { spec, dependencies };
}

/** Which specs depend on the changed files (absolute). What nobody is known to depend on concerns all, unless only people read it. */
export function affectedSpecs(specs: readonly SpecFiles[], changed: readonly string[]): Affected {
  const affected = new Set<string>();
  for (const file of changed) {
    if (isForPeople(file)) continue;
    const dependents = specs.filter((spec) => dependsOn(spec, file));
    for (const { spec } of dependents) affected.add(spec);
    // A spec that is not among those asked for, or is gone, concerns no other.
    if (dependents.length === 0 && !/\.spec\.ts(\.snap)?$/.test(file)) return { kind: "all", because: file };
  }
  return { kind: "some", specs: specs.map(({ spec }) => spec).filter((spec) => affected.has(spec)) };
}

/** The spec files that depend on one of the files. */
export function specsDependingOn(specs: readonly SpecFiles[], files: readonly string[]): readonly string[] {
  return specs.filter((spec) => files.some((file) => dependsOn(spec, file))).map(({ spec }) => spec);
}

function dependsOn({ dependencies }: SpecFiles, file: string): boolean {
  for (const dependency of dependencies)
    if (file === dependency || file.startsWith(dependency + sep)) return true;
  return false;
}

function isForPeople(file: string): boolean {
  return /\.md$|[\\/](docs|LICENSES|artifacts)[\\/]|[\\/]LICENSE$/.test(file);
}

function follow(file: string, seen: Set<string>): void {
  if (seen.has(file)) return;
  seen.add(file);
  if (!existsSync(file)) return;
  const { module } = parseSync(file, readFileSync(file, "utf8"), { lang: "ts" });
  const requests = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
  ];
  for (const request of requests) if (request.startsWith(".")) follow(resolve(dirname(file), request), seen);
}
