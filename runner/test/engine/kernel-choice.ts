// SPDX-License-Identifier: MIT
// The kernel that the guests boot: a folder that was named, a source tree or a config that is built if need be, or the default
// one of the cache.
import { basename, join, resolve } from "node:path";
import { findKernel } from "../../kernel/artifacts.ts";
import { buildKernel } from "../../kernel/build.ts";
import { type KernelConfig, readKernelConfig } from "../../kernel/config.ts";
import { exists } from "../../support/cache.ts";
import { RexTestError } from "../../support/errors.ts";
import type { Progress } from "../../support/progress.ts";
import type { RunSettings } from "./settings.ts";

export interface ChosenKernel {
  readonly name: string;
  readonly path: string;
  /** What QEMU boots. */
  readonly image: string;
  /** Kernel headers for user space, which programs are compiled against. */
  readonly headers: string;
  readonly config: KernelConfig;
}

type KernelWish = Pick<RunSettings, "kernel" | "config" | "kernelTree" | "cwd" | "signal">;

export async function chooseKernel(settings: KernelWish, progress: Progress): Promise<ChosenKernel> {
  const path = await kernelFolder(settings, progress);
  const config = await readKernelConfig(path);
  // It is the decompressor that chooses addresses: a vmlinux, quicker to boot, always runs where it was linked to.
  const image = join(path, config.has("RANDOMIZE_BASE") ? "bzImage" : "vmlinux");
  if (!(await exists(image))) {
    throw new RexTestError("there is no kernel in this folder", {
      where: image,
      hint: "rex-test kernel list shows those of the cache\nrex-test kernel build makes one",
    });
  }
  return {
    name: basename(path),
    path,
    image,
    headers: join(path, "include"),
    config,
  };
}

async function kernelFolder(
  { kernel, config, kernelTree, cwd, signal }: KernelWish,
  progress: Progress,
): Promise<string> {
  if (kernelTree !== undefined) {
    // Cached like any other kernel, by what is in the tree: nothing is built twice.
    const source = resolve(cwd, kernelTree);
    return (await buildKernel({ source, config, progress, signal })).kernel.path;
  }
  if (kernel !== undefined) return resolve(cwd, kernel);
  if (config === undefined) return defaultKernel();
  // One that is damaged is built again, too.
  const found = await findKernel({ config }).catch(() => undefined);
  if (found !== undefined) return found.path;
  progress.note(
    `the kernel with the config ${config} has to be built first; from nothing that takes some minutes`,
  );
  return (await buildKernel({ config, progress, signal })).kernel.path;
}

async function defaultKernel(): Promise<string> {
  const kernel = await findKernel();
  if (kernel !== undefined) return kernel.path;
  throw new RexTestError("the Rex kernel has not been built yet", { hint: "rex-test kernel build" });
}
