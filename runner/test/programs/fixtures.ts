// SPDX-License-Identifier: MIT
// Finds a program fixture by name: fixtures/programs/<name> (a cargo project) or fixtures/programs/<name>.rs, in the spec's
// folder or the nearest one above it.
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { RexTestError } from "../../support/errors.ts";
import type { ProgramSource } from "./source.ts";

export function fixtureSource(name: string, specFile: string): ProgramSource {
  const path = findFixture(name, dirname(specFile));
  if (path !== undefined) return { kind: "fixture", name: basename(path, ".rs").replaceAll("-", "_"), path };
  throw new RexTestError(`there is no program fixture "${name}"`, {
    outcome: "failure",
    where: specFile,
    hint: `expected fixtures/programs/${name}/Cargo.toml or fixtures/programs/${name}.rs in the spec's folder or one above it`,
  });
}

function findFixture(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const base = join(folder, "fixtures", "programs", name);
    if (existsSync(join(base, "Cargo.toml"))) return base;
    if (existsSync(`${base}.rs`)) return `${base}.rs`;
    if (dirname(folder) === folder) return undefined;
  }
}
