// SPDX-License-Identifier: MIT
// Cargo's target folder: one for each checkout. Cargo names what it builds by paths relative to the workspace and by
// times of files, so two checkouts that share a folder would run each other's programs.
import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cachePath, ensureFolder, exists } from "./cache.ts";

/** The cargo workspace of this checkout. */
export const cargoWorkspace = fileURLToPath(new URL("../../rex-crate/", import.meta.url));

/** Where cargo builds what belongs to `workspace`; nothing is created. */
export function cargoTarget(workspace: string = cargoWorkspace): string {
  const name = createHash("sha256").update(workspace).digest("hex").slice(0, 12);
  return cachePath("rust", `target-${name}`);
}

/** Creates the target folder of `workspace`, and removes those whose checkout is gone. */
export async function ensureCargoTarget(workspace: string = cargoWorkspace): Promise<string> {
  const target = await ensureFolder(cargoTarget(workspace));
  await writeFile(join(target, "workspace"), workspace);
  for (const name of await readdir(cachePath("rust"))) {
    if (!name.startsWith("target-")) continue;
    const folder = cachePath("rust", name);
    const owner = await readFile(join(folder, "workspace"), "utf8").catch(() => undefined);
    if (owner && !(await exists(owner))) await rm(folder, { recursive: true, force: true });
  }
  return target;
}
