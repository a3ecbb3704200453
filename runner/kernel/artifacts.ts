// SPDX-License-Identifier: MIT
// Finished kernels: the folders under kernels/ of the cache, each with its kernel.json.
import { open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { cachePath, exists } from "../support/cache.ts";
import { type Checksum, checksumOf, isIntact } from "../support/checksum.ts";
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
  /** Of the files that QEMU boots; empty for a kernel that was built before these were kept. */
  readonly images: Images;
}

type Images = Readonly<Record<string, Checksum>>;

const imageNames = ["vmlinux", "bzImage"];

export async function readKernel(path: string): Promise<Kernel | undefined> {
  const file = join(path, "kernel.json");
  if (!(await exists(file))) return undefined;
  const parsed = parseObject(await readFile(file, "utf8"));
  if (parsed === undefined) throw damaged(file);
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
    images: (Reflect.get(parsed, "images") ?? {}) as Images,
  };
}

/** The same, once it is known that its images are what was built. */
export async function readWholeKernel(path: string): Promise<Kernel | undefined> {
  const kernel = await readKernel(path);
  for (const [name, checksum] of Object.entries(kernel?.images ?? {})) {
    await using file = await open(join(path, name), "r").catch(() => undefined);
    if (file === undefined || !(await isIntact(file, checksum))) throw damaged(join(path, name));
  }
  return kernel;
}

/** The same, for whoever can build it again: a damaged one is removed. */
export async function readOrRemoveKernel(path: string): Promise<Kernel | undefined> {
  try {
    return await readWholeKernel(path);
  } catch (error) {
    if (!(error instanceof RexTestError)) throw error;
    await rm(path, { recursive: true, force: true });
    return undefined;
  }
}

export async function checksumsOfImages(folder: string): Promise<Images> {
  const images: Record<string, Checksum> = {};
  for (const name of imageNames) {
    await using file = await open(join(folder, name), "r");
    images[name] = await checksumOf(file);
  }
  return images;
}

function parseObject(text: string): object | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** All kernels of the cache, by name. */
export async function listKernels(): Promise<Kernel[]> {
  const folder = cachePath("kernels");
  if (!(await exists(folder))) return [];
  const names = (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  const kernels = await Promise.all(
    names.map((name) => readKernel(join(folder, name)).catch(() => undefined)),
  );
  return kernels.filter((kernel) => kernel !== undefined);
}

/** The kernel that the repository as it is now would give, if it has been built. */
export async function findKernel(choice: KernelChoice = {}): Promise<Kernel | undefined> {
  return await readWholeKernel((await makeRecipe(choice)).artifact);
}

function damaged(file: string): RexTestError {
  return new RexTestError("this kernel of the cache is damaged", {
    where: file,
    hint: "rex-test kernel build, with the same options, makes it again",
  });
}
