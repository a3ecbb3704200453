// SPDX-License-Identifier: MIT
// Finished kernels: the folders under kernels/ of the cache, each with its kernel.json.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { cachePath, exists } from "../support/cache.ts";
import { RexTestError } from "../support/errors.ts";
import { type KernelChoice, makeRecipe } from "./recipe.ts";

export interface Kernel {
  /** The folder's name, <version>-<config>-<key12>. */
  readonly name: string;
  readonly version: string;
  readonly config: string;
  readonly source: string;
  readonly key: string;
  readonly path: string;
  /** How long the build took. */
  readonly builtMs: number;
}

export async function readKernel(path: string): Promise<Kernel | undefined> {
  const file = join(path, "kernel.json");
  if (!(await exists(file))) return undefined;
  const parsed: unknown = JSON.parse(await readFile(file, "utf8"));
  if (typeof parsed !== "object" || parsed === null) throw damaged(file);
  const field = (key: string): string => {
    const value: unknown = Reflect.get(parsed, key);
    if (typeof value !== "string") throw damaged(file);
    return value;
  };
  const builtMs: unknown = Reflect.get(parsed, "builtMs");
  return {
    name: field("name"),
    version: field("version"),
    config: field("config"),
    source: field("source"),
    key: field("key"),
    path,
    builtMs: typeof builtMs === "number" ? builtMs : 0,
  };
}

/** All kernels of the cache, by name. */
export async function listKernels(): Promise<Kernel[]> {
  const folder = cachePath("kernels");
  if (!(await exists(folder))) return [];
  const names = (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  const kernels = await Promise.all(names.map((name) => readKernel(join(folder, name))));
  return kernels.filter((kernel) => kernel !== undefined);
}

/** The kernel that the repository as it is now would give, if it has been built. */
export async function findKernel(choice: KernelChoice = {}): Promise<Kernel | undefined> {
  return await readKernel((await makeRecipe(choice)).artifact);
}

function damaged(file: string): RexTestError {
  return new RexTestError("this kernel's description is damaged", {
    where: file,
    hint: "rex-test kernel clean, then build it again",
  });
}
