// SPDX-License-Identifier: MIT
// The kernel that the guests boot.
import { basename, join, resolve } from "node:path";
import { findKernel } from "../../kernel/artifacts.ts";
import { exists } from "../../support/cache.ts";
import { RexTestError } from "../../support/errors.ts";

export interface ChosenKernel {
  readonly name: string;
  /** What QEMU boots. */
  readonly image: string;
  /** Kernel headers for user space, which programs are compiled against. */
  readonly headers: string;
}

export async function chooseKernel(folder: string | undefined, cwd: string): Promise<ChosenKernel> {
  const path = folder === undefined ? await defaultKernel() : resolve(cwd, folder);
  const image = join(path, "vmlinux");
  if (!(await exists(image))) {
    throw new RexTestError("there is no kernel in this folder", {
      where: image,
      hint: "rex-test kernel list shows those of the cache\nrex-test kernel build makes one",
    });
  }
  return { name: basename(path), image, headers: join(path, "include") };
}

async function defaultKernel(): Promise<string> {
  const kernel = await findKernel();
  if (kernel !== undefined) return kernel.path;
  throw new RexTestError("the Rex kernel has not been built yet", { hint: "rex-test kernel build" });
}
