// SPDX-License-Identifier: MIT
// Where mutants are built: a tree and an output folder of their own, so that neither the user's builds nor their locks are
// touched. Both stay in the cache, with the last mutant in them: from one to the next, make compiles the files that differ and
// links. Only the image that QEMU boots is made, and it goes when its trial is over.
//
//   mutants/trees/<id>/            the user's tree, hard links to it: files of either are replaced, never written to
//   mutants/build/<id>-<config>/   what make makes
//   mutants/work-<random>/         a running command's: runtimes with the patches applied, images
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeKernel, type Site, treeName, updateTree, type Workplace } from "../kernel/build.ts";
import { patchedFiles } from "../kernel/hooks.ts";
import { makeRecipe, type Recipe } from "../kernel/recipe.ts";
import { type KbuildVariables, readKbuildVariables, relink } from "../kernel/relink.ts";
import { sourcesFolder } from "../kernel/repository.ts";
import { cachePath, ensureFolder, exists, publishFolder } from "../support/cache.ts";
import { acquireLock, type Lock, withLock } from "../support/lock.ts";
import { mustRun } from "../support/process.ts";
import { Progress } from "../support/progress.ts";
import { dropSnapshotsOf } from "../test/snapshots/prune.ts";
import type { Mutant } from "./mutant.ts";

export interface MutantKernel extends AsyncDisposable {
  readonly name: string;
  /** What QEMU boots. */
  readonly image: string;
}

const workPrefix = "work-";
/** All but the headers that the rest of the kernel sees. */
const runtimeFolder = "kernel/rex";

/** An output folder in which everything but the runtime is as it should be. */
interface Place {
  readonly config: string;
  readonly work: Workplace;
  readonly variables: KbuildVariables;
}

export class Workshop implements AsyncDisposable {
  readonly #lock: Lock;
  readonly #work: string;
  readonly #signal: AbortSignal;
  readonly #jobs: number;
  #place: Place | undefined;
  readonly #recipes = new Map<string, Recipe>();

  private constructor(
    lock: Lock,
    work: string,
    options: { readonly signal: AbortSignal; readonly jobs: number },
  ) {
    this.#lock = lock;
    this.#work = work;
    this.#signal = options.signal;
    this.#jobs = options.jobs;
  }

  /** Waits until no other command breaks kernels in this cache. */
  static async open(options: {
    readonly signal: AbortSignal;
    readonly jobs: number;
    readonly progress: Progress;
  }): Promise<Workshop> {
    const { signal, progress } = options;
    const lock = await acquireLock("mutants", {
      signal,
      onWait: () => progress.update({ what: "waiting for another run of mutants" }),
    });
    const root = await ensureFolder(cachePath("mutants"));
    // Of one that was killed: whoever holds the lock is alone.
    for (const name of (await readdir(root)).filter((entry) => entry.startsWith(workPrefix)))
      await rm(join(root, name), { recursive: true, force: true });
    return new Workshop(lock, await mkdtemp(join(root, workPrefix)), options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#work, { recursive: true, force: true });
    await this.#lock[Symbol.asyncDispose]();
  }

  /** For what is kept of failures: it goes with the rest. */
  get scratch(): string {
    return this.#work;
  }

  /** The runtime with the mutant in it; throws when the patch does not apply. */
  async patch(mutant: Mutant): Promise<string> {
    const runtime = join(this.#work, "runtimes", mutant.name);
    await cp(sourcesFolder, runtime, { recursive: true });
    await mustRun("patch", ["--strip=1", "--batch", "--fuzz=0", `--directory=${runtime}`], {
      what: `applying the mutant ${mutant.name}`,
      hint: "the runtime has changed: bring the patch up to date",
      input: mutant.patch,
      signal: this.#signal,
    });
    return runtime;
  }

  /** Builds the kernel with a runtime that `patch` made. One at a time. */
  async build(mutant: Mutant, runtime: string): Promise<MutantKernel> {
    const recipe = { ...(await this.#recipe(mutant.config)), runtime };
    const output = await this.#make(recipe, touchesOnlyTheRuntime(mutant));
    const folder = join(this.#work, "kernels", mutant.name);
    await mkdir(folder, { recursive: true });
    const image = join(folder, "vmlinux");
    await mustRun("strip", ["-o", image, join(output, "vmlinux")], {
      what: "stripping vmlinux",
      env: { LC_ALL: "C" },
    });
    return {
      name: `${mutant.name} (${recipe.config})`,
      image,
      [Symbol.asyncDispose]: async () => {
        await dropSnapshotsOf(image);
        await rm(folder, { recursive: true, force: true });
      },
    };
  }

  /** make once for each config, which goes through everything; after that only what a mutant changes. */
  async #make(recipe: Recipe, onlyTheRuntime: boolean): Promise<string> {
    const site: Site = { root: cachePath("mutants"), targets: ["vmlinux"], title: "mutants" };
    using progress = new Progress({ write: () => undefined });
    const options = { ...site, jobs: this.#jobs, progress, signal: this.#signal };
    const place = this.#place;
    if (place?.config === recipe.config && onlyTheRuntime) {
      await updateTree(recipe, options);
      await relink({ ...place.work, options }, runtimeFolder, place.variables);
      return place.work.output;
    }
    this.#place = undefined;
    await this.#takeTree(treeName(recipe));
    const work = await makeKernel(recipe, options);
    if (onlyTheRuntime)
      this.#place = { config: recipe.config, work, variables: await readKbuildVariables(work) };
    return work.output;
  }

  async #recipe(config: string): Promise<Recipe> {
    const known = this.#recipes.get(config);
    if (known) return known;
    const recipe = await makeRecipe({ config });
    this.#recipes.set(config, recipe);
    return recipe;
  }

  async #takeTree(name: string): Promise<void> {
    const theirs = cachePath("trees", name);
    const ours = cachePath("mutants", "trees", name);
    if ((await exists(ours)) || !(await exists(theirs))) return;
    await withLock(`kernel-${name}`, async () => {
      await publishFolder(ours, async (folder) => {
        await mustRun("cp", ["--archive", "--link", `${theirs}/.`, folder], {
          what: "linking the kernel tree",
          timeoutMs: 5 * 60_000,
          signal: this.#signal,
          dieWithParent: true,
        });
      });
    });
  }
}

function touchesOnlyTheRuntime({ name, patch }: Mutant): boolean {
  return patchedFiles(patch, name).every((file) => file.startsWith(`${runtimeFolder}/`));
}
