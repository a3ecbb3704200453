// SPDX-License-Identifier: MIT
// From the paths of the command line to spec files.
import { glob, stat } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { errnoOf, RexTestError } from "../../support/errors.ts";

export const specPattern = "**/*.spec.ts";
/** Of which nobody expects a spec. */
export const skippedFolders = new Set(["node_modules", "target", ".git", "artifacts"]);

/** All spec files in `paths` (files or folders; the folder `specs` when there are none), sorted. */
export async function findSpecs(paths: readonly string[], cwd: string): Promise<string[]> {
  const wanted = paths.length > 0 ? paths : ["specs"];
  const found = new Set<string>();
  for (const path of wanted) {
    for (const file of await specsIn(resolve(cwd, path), path)) found.add(file);
  }
  if (found.size > 0) return [...found].sort();
  throw new RexTestError("no specs found", {
    where: wanted.join(" "),
    hint: `a spec is a file named ${specPattern.replace("**/", "")}; name a folder or a file that has some`,
  });
}

async function specsIn(absolute: string, asGiven: string): Promise<string[]> {
  const kind = await stat(absolute).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
    return undefined;
  });
  if (kind === undefined) {
    throw new RexTestError(`there is no file or folder "${asGiven}"`, {
      where: relative(process.cwd(), absolute) || ".",
    });
  }
  if (kind.isFile()) return [absolute];
  const files: string[] = [];
  for await (const name of glob(specPattern, {
    cwd: absolute,
    exclude: (entry) => skippedFolders.has(entry),
  })) {
    files.push(resolve(absolute, name));
  }
  return files;
}
