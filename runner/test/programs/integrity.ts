// SPDX-License-Identifier: MIT
// Compiled programs of the cache that are not what they were: cut by a full disk, or written over. The builder takes whatever it finds
// there, so each entry gets a list of checksums when it is first seen.
import { open, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { publishFile } from "../../support/cache.ts";
import { type Checksum, checksumOf, isIntact } from "../../support/checksum.ts";

export interface CompiledFiles {
  readonly object: string;
  readonly debug?: string;
  /** It was there already. */
  readonly cached: boolean;
}

const listName = "checksums.json";

/** Whether the files are what they were; if not, the entry is gone, and can be made again. */
export async function isWhole(files: CompiledFiles): Promise<boolean> {
  const entry = dirname(files.object);
  const known = files.cached ? await readList(entry) : undefined;
  const paths = [files.object, ...(files.debug === undefined ? [] : [files.debug])];
  try {
    const list: Record<string, Checksum> = {};
    for (const path of paths) {
      await using file = await open(path, "r");
      const expected = known?.[basename(path)];
      if (expected === undefined) list[basename(path)] = await checksumOf(file);
      else if (!(await isIntact(file, expected))) return await drop(entry);
    }
    // Where it can't be kept, damage would be noticed by the kernel only.
    if (known === undefined)
      await publishFile(join(entry, listName), JSON.stringify(list)).catch(() => undefined);
    return true;
  } catch {
    return await drop(entry);
  }
}

async function drop(entry: string): Promise<false> {
  await rm(entry, { recursive: true, force: true });
  return false;
}

async function readList(entry: string): Promise<Readonly<Record<string, Checksum>> | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(entry, listName), "utf8"));
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, Checksum>) : undefined;
  } catch {
    return undefined;
  }
}
