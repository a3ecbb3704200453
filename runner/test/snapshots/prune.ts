// SPDX-License-Identifier: MIT
// Which snapshots go: those that nobody can use any more, then the ones that were not used for the longest time. Whoever has one
// open can go on with it.
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { cachePath, exists, isOrphan } from "../../support/cache.ts";
import { errnoOf } from "../../support/errors.ts";
import { fileNames, type Manifest, readManifest } from "./snapshot.ts";

const keptSnapshots = 32;
const keptBytes = 4 * 1024 ** 3;

export interface Entry {
  readonly folder: string;
  /** Undefined: not readable as a snapshot. */
  readonly manifest: Manifest | undefined;
  readonly kernelExists: boolean;
  readonly usedAtMs: number;
  /** On disk, without the holes. */
  readonly bytes: number;
}

/** Tidies the section up, so that one more fits in. */
export async function dropUseless(hostBoot: string): Promise<void> {
  const root = cachePath("snapshots");
  const names = await readdir(root);
  const folders = names.filter((name) => !name.startsWith(".")).map((name) => join(root, name));
  const entries = (await Promise.all(folders.map(readEntry))).filter((entry) => entry !== undefined);
  const orphans = names.filter(isOrphan).map((name) => join(root, name));
  for (const folder of [...orphans, ...uselessOf(entries, hostBoot)])
    await rm(folder, { recursive: true, force: true });
}

/** Removes the snapshots of a kernel that goes. */
export async function dropSnapshotsOf(kernel: string): Promise<void> {
  const root = cachePath("snapshots");
  if (!(await exists(root))) return;
  for (const name of await readdir(root)) {
    const folder = join(root, name);
    if ((await readManifest(folder))?.kernel === kernel) await rm(folder, { recursive: true, force: true });
  }
}

/** The folders that go, of all that there are. */
export function uselessOf(entries: readonly Entry[], hostBoot: string): string[] {
  const useless = entries.filter(
    ({ manifest, kernelExists }) => manifest?.hostBoot !== hostBoot || !kernelExists,
  );
  const useful = entries.filter((entry) => !useless.includes(entry));
  let bytes = 0;
  const tooMany = useful
    .toSorted((a, b) => b.usedAtMs - a.usedAtMs)
    .filter((entry, index) => {
      bytes += entry.bytes;
      return index >= keptSnapshots - 1 || bytes > keptBytes;
    });
  return [...useless, ...tooMany].map(({ folder }) => folder);
}

async function readEntry(folder: string): Promise<Entry | undefined> {
  const manifest = await readManifest(folder);
  try {
    const { mtimeMs } = await stat(folder);
    const bytes = manifest === undefined ? 0 : (await stat(join(folder, fileNames.ram))).blocks * 512;
    const kernelExists = manifest !== undefined && (await exists(manifest.kernel));
    return { folder, manifest, kernelExists, usedAtMs: mtimeMs, bytes };
  } catch (error) {
    // Somebody else is tidying up.
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
