// SPDX-License-Identifier: MIT
// Where the kernel half of this repository lies.
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const repositoryRoot = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
export const pinsFile = join(repositoryRoot, "kernel/pins.json");
export const configsFolder = join(repositoryRoot, "kernel/configs");
export const sourcesFolder = join(repositoryRoot, "kernel/sources");

/** Patches of kernel/sources that break one promise each. */
export const mutantsFolder = join(repositoryRoot, "kernel/mutants");

/** The patches of a series, applied in the order of their names. */
export function hooksFolder(series: string): string {
  return join(repositoryRoot, "kernel/hooks", series);
}
