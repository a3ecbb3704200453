// SPDX-License-Identifier: MIT
// Lists a source tree's files and brings a copy of it up to date, touching only what changed so that builds of the copy
// stay incremental.
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../support/cache.ts";
import { mustRun, runProcess, succeeded } from "../support/process.ts";

export interface FileEntry {
  readonly path: string;
  /** Size, modification time, mode and type: what changes when the file does. */
  readonly stamp: string;
}

/** What an in-tree build leaves behind, and what no build reads. */
const ignored = [".git", "*.o", "*.a", "*.ko", "*.cmd", ".config", ".config.old", "*.rej", "Module.symvers"];
const ignoredPaths = [
  "./vmlinux",
  "./vmlinux.symvers",
  "./tags",
  "./TAGS",
  "./include/config",
  "./include/generated",
  "./arch/x86/include/generated",
  "./arch/x86/boot/bzImage",
  "./usr/include",
];

/** The source files of a kernel tree. In a git work tree: those git tracks, and new ones it does not ignore. */
export async function listFiles(root: string): Promise<FileEntry[]> {
  const format = "%P\\t%s %T@ %m %y\\n";
  const names = ignored.flatMap((name, index) => [...(index > 0 ? ["-o"] : []), "-name", name]);
  const paths = ignoredPaths.flatMap((path) => ["-o", "-path", path]);
  const found = await mustRun(
    "find",
    [
      ".",
      "(",
      ...names,
      ...paths,
      ")",
      "-prune",
      "-o",
      "(",
      "-type",
      "f",
      "-o",
      "-type",
      "l",
      ")",
      "-printf",
      format,
    ],
    { what: "listing the source tree", cwd: root, timeoutMs: 300_000 },
  );
  const entries: FileEntry[] = [];
  for (const line of found.stdout.split("\n")) {
    const [path, stamp] = line.split("\t");
    if (path && stamp) entries.push({ path, stamp });
  }
  const tracked = await gitFiles(root);
  const kept = tracked ? entries.filter((entry) => tracked.has(entry.path)) : entries;
  return kept.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function gitFiles(root: string): Promise<Set<string> | undefined> {
  if (!(await exists(join(root, ".git")))) return undefined;
  const finished = await runProcess("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    timeoutMs: 120_000,
  });
  return succeeded(finished) ? new Set(finished.stdout.split("\0")) : undefined;
}

export function listingHash(entries: readonly FileEntry[]): string {
  const hash = createHash("sha256");
  for (const { path, stamp } of entries) hash.update(`${path}\t${stamp}\n`);
  return hash.digest("hex");
}

export interface Changes {
  readonly copy: readonly string[];
  readonly remove: readonly string[];
}

/** What has to happen for `have` to become `want`. */
export function compareListings(want: readonly FileEntry[], have: readonly FileEntry[]): Changes {
  const present = new Map(have.map(({ path, stamp }) => [path, stamp]));
  const copy = want.filter(({ path, stamp }) => present.get(path) !== stamp).map(({ path }) => path);
  const wanted = new Set(want.map(({ path }) => path));
  return { copy, remove: have.filter(({ path }) => !wanted.has(path)).map(({ path }) => path) };
}

/** Carries out the changes; copies keep their times and share their blocks where the file system can. */
export async function applyChanges(
  changes: Changes,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  for (const path of changes.remove) await rm(join(to, path), { force: true });
  if (changes.copy.length === 0) return;
  await mustRun(
    "xargs",
    ["--null", "cp", "--archive", "--parents", "--reflink=auto", "--target-directory", to, "--"],
    {
      what: "copying the source tree",
      cwd: from,
      input: changes.copy.join("\0"),
      timeoutMs: 20 * 60_000,
      signal,
      dieWithParent: true,
    },
  );
}
