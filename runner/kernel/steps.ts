// SPDX-License-Identifier: MIT
// How far a kernel build is: make prints a line per compiled file, and the last complete build of the config tells how many
// there will be.
import { readFile } from "node:fs/promises";
import { cachePath, exists, publishFile } from "../support/cache.ts";

/** Steps of a build of the default config from nothing; good enough for the first time on a machine. */
const firstEstimate = 3_070;

/** "  CC      kernel/fork.o" → "kernel/fork.o"; undefined for anything that is not a build step. */
export function parseStep(line: string): string | undefined {
  return /^ {2}(?:HOST)?[A-Z][A-Z0-9_-]* +(?:\[M\] +)?(\S+)/.exec(line)?.[1];
}

function stepsFile(config: string): string {
  return cachePath("probes", `kernel-steps-${config}.json`);
}

/** Steps that a build from nothing of this config took the last time. */
export async function expectedSteps(config: string): Promise<number> {
  const path = stepsFile(config);
  if (!(await exists(path))) return firstEstimate;
  const steps = Number(await readFile(path, "utf8"));
  return Number.isInteger(steps) && steps > 0 ? steps : firstEstimate;
}

export async function rememberSteps(config: string, steps: number): Promise<void> {
  await publishFile(stepsFile(config), String(steps));
}
