// SPDX-License-Identifier: MIT
// The cache folder: the only place outside the repository that anything is written to. An entry appears whole
// (written under a temporary name, then renamed) or not at all, so that whatever is found there can be used.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { errnoOf, RexTestError } from "./errors.ts";

export const cacheSections = [
  "kernels", // finished kernels, one folder each, named by content
  "sources", // unpacked or downloaded kernel sources, never built in
  "trees", // source trees with Rex applied
  "build", // out-of-tree build folders, kept so that builds stay incremental
  "mutants", // kernels broken on purpose: a tree and build folders of their own, and what is known of the whole kernel
  "ccache",
  "rust", // sysroot, cargo target of the host tools
  "programs", // compiled Rex programs, named by content
  "refusals", // what the program compiler said of programs that do not compile, named by content
  "guests", // initramfs images
  "snapshots", // booted guests that tests get clones of
  "probes", // what was found out about this machine: accelerator, TSC frequency
  "debs", // packages unpacked privately
  "node",
  "locks",
  "logs",
] as const;

export type CacheSection = (typeof cacheSections)[number];

/** The cache folder: $REX_TEST_CACHE, else $XDG_CACHE_HOME/rex-test, else ~/.cache/rex-test. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env.REX_TEST_CACHE) return resolve(env.REX_TEST_CACHE);
  const base = env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache");
  return join(resolve(base), "rex-test");
}

/** A path inside a section of the cache; nothing is created. */
export function cachePath(section: CacheSection, ...parts: string[]): string {
  return join(cacheRoot(), section, ...parts);
}

/** Creates the folder if need be and returns it. */
export async function ensureFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new RexTestError(`cannot create a folder of the cache (${errnoOf(error) ?? "error"})`, {
      where: path,
      hint: "set REX_TEST_CACHE to a folder you can write to",
      cause: error,
    });
  }
  return path;
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return false;
    throw error;
  }
}

/** Names of what is half-made, with the process that makes it: ours, and those of the program compiler. */
const temporaryName = /^(?:\.tmp-.*-(\d+)-[0-9a-f]+|\.draft-(\d+)-\d+)$/;

/** Whether it is half-made, and nobody is making it any more. */
export function isOrphan(name: string): boolean {
  const [, ours, compilers] = temporaryName.exec(name) ?? [];
  const pid = ours ?? compilers;
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errnoOf(error) === "ESRCH";
  }
}

/** Removes what processes left half-made that were killed. */
export async function dropOrphans(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  // That they can't be removed is no reason not to go on.
  for (const name of names.filter(isOrphan))
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
}

/** A name beside `path` that nobody else uses; on the same file system, so that a rename is atomic. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.tmp-${basename(path)}-${process.pid}-${randomBytes(4).toString("hex")}`);
}

/**
 * Publishes a folder: `fill` writes into a temporary one, which then takes its name in one rename. When another
 * process published the same entry first, its folder stays and ours goes. Returns `path`.
 */
export async function publishFolder(path: string, fill: (folder: string) => Promise<void>): Promise<string> {
  await ensureFolder(dirname(path));
  const temporary = temporaryBeside(path);
  try {
    await mkdir(temporary);
    await fill(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const lost = errnoOf(error) === "ENOTEMPTY" || errnoOf(error) === "EEXIST";
    if (!(lost && (await exists(path)))) throw notWritten(path, error);
  }
  return path;
}

/** Publishes a file: readers see the old contents or the new ones, never a part. Returns `path`. */
export async function publishFile(path: string, contents: string | Uint8Array): Promise<string> {
  await ensureFolder(dirname(path));
  const temporary = temporaryBeside(path);
  try {
    await writeFile(temporary, contents);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw notWritten(path, error);
  }
  return path;
}

const noRoom: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const notAllowed: ReadonlySet<string | undefined> = new Set(["EROFS", "EACCES", "EPERM"]);

/** An error of the disk as a reader needs it; any other as it is. */
function notWritten(path: string, cause: unknown): unknown {
  const errno = errnoOf(cause);
  if (cause instanceof RexTestError || !(noRoom.has(errno) || notAllowed.has(errno))) return cause;
  return new RexTestError(`cannot write to the cache (${errno})`, {
    where: path,
    hint: noRoom.has(errno)
      ? "make room, for example with: rex-test cache clear\nor set REX_TEST_CACHE to a folder on another disk"
      : "set REX_TEST_CACHE to a folder you can write to",
    cause,
  });
}
