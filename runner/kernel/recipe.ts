// SPDX-License-Identifier: MIT
// Everything a kernel is made of, and the key that names the result: the same recipe gives the same kernel, so a kernel
// with that key need not be built again.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { cachePath, exists } from "../support/cache.ts";
import { RexTestError } from "../support/errors.ts";
import { mustRun } from "../support/process.ts";
import { configName, type Fragment, loadFragments } from "./fragment.ts";
import { type Hook, readHooks } from "./hooks.ts";
import { hooksFolder, sourcesFolder } from "./repository.ts";
import { resolveSource, type Source } from "./source.ts";

/** Raised when the way of building changes in a manner that the inputs do not show. */
const recipeFormat = 1;

export interface KernelChoice {
  /** "debian", "kernel.org" or a directory. */
  readonly source?: string | undefined;
  /** Names of fragments, joined by commas. */
  readonly config?: string | undefined;
  /** Series whose hooks apply, "6.12". */
  readonly version?: string | undefined;
  /** Taken in place of kernel/sources: a runtime that was broken on purpose. */
  readonly runtime?: string | undefined;
}

export interface Recipe {
  readonly source: Source;
  readonly config: string;
  readonly fragments: readonly Fragment[];
  readonly hooks: readonly Hook[];
  /** kernel/sources, or what stands in for it. */
  readonly runtime: string;
  /** Files under it, sorted. */
  readonly overlayFiles: readonly string[];
  readonly compiler: string;
  readonly key: string;
  /** The folder of the finished kernel: <version>-<config>-<key12>. */
  readonly artifact: string;
}

export const defaultSeries = "6.12";

export async function makeRecipe(choice: KernelChoice = {}): Promise<Recipe> {
  const series = choice.version ?? defaultSeries;
  if (!/^\d+\.\d+$/.test(series)) {
    throw new RexTestError(`not a kernel series: ${JSON.stringify(series)}`, { hint: "write it as 6.12" });
  }
  if (!(await exists(hooksFolder(series)))) throw await unknownSeries(series);
  const runtime = choice.runtime ?? sourcesFolder;
  const [source, fragments, hooks, compiler, overlayFiles] = await Promise.all([
    resolveSource(choice.source, series),
    loadFragments(choice.config ?? "default"),
    readHooks(hooksFolder(series)),
    compilerVersion(),
    filesBelow(runtime),
  ]);
  const hash = createHash("sha256");
  const feed = (name: string, contents: string | Uint8Array) => {
    hash.update(`${name}\0${contents.length}\0`).update(contents);
  };
  feed("format", String(recipeFormat));
  feed("source", source.id);
  feed("compiler", compiler);
  for (const fragment of fragments) feed("fragment", fragment.text);
  for (const hook of hooks) feed("hook", hook.text);
  for (const file of overlayFiles) feed(file, await readFile(join(runtime, file)));
  const key = hash.digest("hex");
  const config = configName(fragments);
  const artifact = cachePath("kernels", `${source.version}-${config}-${key.slice(0, 12)}`);
  return { source, config, fragments, hooks, runtime, overlayFiles, compiler, key, artifact };
}

async function unknownSeries(series: string): Promise<RexTestError> {
  const known = (await readdir(join(hooksFolder(series), ".."))).sort();
  return new RexTestError(`there are no hooks for Linux ${series}`, {
    where: hooksFolder(series),
    hint: `--version ${known.join(" or ")}`,
  });
}

async function compilerVersion(): Promise<string> {
  const finished = await mustRun("gcc", ["--version"], {
    what: "gcc",
    hint: "rex-test doctor --fix",
    timeoutMs: 15_000,
  });
  return finished.stdout.split("\n")[0] ?? "";
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
