// SPDX-License-Identifier: MIT
// The source tree that is built: an untouched copy of the source, with kernel/sources added and the hooks applied.
//
//   trees/<id>/tree/       what make sees
//   trees/<id>/original/   the untouched contents of every file that a hook changes
//   trees/<id>/state.json  which files are ours: added ones and hooked ones
//
// What the tree should contain is worked out beside it; then only files whose contents differ are written, so that a
// change of one source or hook rebuilds that one. The state is written before the files: an interrupted update is repaired by the next.
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureFolder, exists, publishFile, publishFolder, temporaryBeside } from "../support/cache.ts";
import type { Progress } from "../support/progress.ts";
import { applyChanges, compareListings, listFiles } from "./files.ts";
import { applyHooks, type Hook } from "./hooks.ts";
import { obtainTarball, type Source, unpackTarball } from "./source.ts";

export interface Overlay {
  /** Folder laid over the tree: kernel/sources. */
  readonly sources: string;
  readonly files: readonly string[];
  readonly hooks: readonly Hook[];
}

interface State {
  readonly added: readonly string[];
  readonly hooked: readonly string[];
}

/** Makes or updates the tree under `folder` and returns the path that make is given. */
export async function prepareTree(
  folder: string,
  source: Source,
  overlay: Overlay,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const tree = join(folder, "tree");
  const state = await readState(folder);
  if (source.kind === "directory") await copyDirectory(source.path, folder, state, progress, signal);
  else if (!(await exists(tree))) {
    const tarball = await obtainTarball(source, progress, signal);
    await publishFolder(tree, (temporary) => unpackTarball(tarball, temporary, progress, signal));
  }
  await applyOverlay(folder, overlay, state);
  return tree;
}

/** Brings the tree to what source and overlay say; exported for its tests. */
export async function applyOverlay(folder: string, overlay: Overlay, state?: State): Promise<void> {
  const before = state ?? (await readState(folder));
  const tree = join(folder, "tree");
  const original = join(folder, "original");
  const staging = await ensureFolder(temporaryBeside(join(folder, "staging")));
  try {
    const hooked = [...new Set(overlay.hooks.flatMap((hook) => hook.files))];
    const untouched = async (file: string) =>
      (await exists(join(original, file))) ? join(original, file) : join(tree, file);
    await applyHooks(overlay.hooks, staging, untouched);

    const union = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])];
    await writeState(folder, {
      added: union(before.added, overlay.files),
      hooked: union(before.hooked, hooked),
    });
    for (const file of hooked) {
      if (!(await exists(join(original, file))) && (await exists(join(tree, file))))
        await copyWhole(join(tree, file), join(original, file));
      await copyIfDifferent(join(staging, file), join(tree, file));
    }
    for (const file of overlay.files) await copyIfDifferent(join(overlay.sources, file), join(tree, file));
    for (const file of before.hooked.filter((name) => !hooked.includes(name)))
      await restore(file, tree, original);
    for (const file of before.added.filter((name) => !overlay.files.includes(name)))
      await rm(join(tree, file), { force: true });
    await writeState(folder, { added: overlay.files, hooked });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function restore(file: string, tree: string, original: string): Promise<void> {
  if (!(await exists(join(original, file)))) {
    await rm(join(tree, file), { force: true });
    return;
  }
  await copyIfDifferent(join(original, file), join(tree, file));
  await rm(join(original, file));
}

/** The user's directory is only read. Its changes since the last time are copied; files we hooked keep their place in original/. */
async function copyDirectory(
  from: string,
  folder: string,
  state: State,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  progress.update({ what: "copying the kernel tree" });
  const tree = await ensureFolder(join(folder, "tree"));
  const original = join(folder, "original");
  const ours = new Set([...state.added, ...state.hooked]);
  const want = await listFiles(from);
  const have = (await listFiles(tree)).filter((entry) => !ours.has(entry.path));
  const plain = compareListings(
    want.filter((entry) => !ours.has(entry.path)),
    have,
  );
  await applyChanges(plain, from, tree, signal);
  const hooked = new Set(state.hooked);
  const pristine = (await exists(original)) ? await listFiles(original) : [];
  const below = compareListings(
    want.filter((entry) => hooked.has(entry.path)),
    pristine,
  );
  if (below.copy.length > 0) await ensureFolder(original);
  await applyChanges(below, from, original, signal);
  progress.done(`${plain.copy.length + below.copy.length} files copied`);
}

async function copyIfDifferent(from: string, to: string): Promise<void> {
  const contents = await readFile(from);
  if ((await exists(to)) && contents.equals(await readFile(to))) return;
  await ensureFolder(dirname(to));
  const temporary = temporaryBeside(to);
  await writeFile(temporary, contents);
  await rename(temporary, to);
}

async function copyWhole(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const temporary = temporaryBeside(to);
  await copyFile(from, temporary);
  await rename(temporary, to);
}

async function readState(folder: string): Promise<State> {
  const path = join(folder, "state.json");
  if (!(await exists(path))) return { added: [], hooked: [] };
  const parsed: unknown = JSON.parse(await readFile(path, "utf8"));
  const names = (key: string): string[] => {
    const value: unknown =
      typeof parsed === "object" && parsed !== null ? Reflect.get(parsed, key) : undefined;
    return Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];
  };
  return { added: names("added"), hooked: names("hooked") };
}

async function writeState(folder: string, state: State): Promise<void> {
  await publishFile(join(folder, "state.json"), `${JSON.stringify(state, null, 1)}\n`);
}
