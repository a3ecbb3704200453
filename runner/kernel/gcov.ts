// SPDX-License-Identifier: MIT
// What has to be kept of a kernel that counts what runs (the config "coverage"), so that gcov can say later which lines that were:
// the notes that the compiler left beside each object of the runtime, and the sources as they were compiled.
import { cp, mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { exists } from "../support/cache.ts";
import { RexTestError } from "../support/errors.ts";
import type { Recipe } from "./recipe.ts";

/** Objects of the runtime, below a build folder and below the folder that is kept. */
const objects = "kernel/rex";

/** In the folder of a finished kernel; laid out like the source tree. */
export function notesFolder(kernel: string): string {
  return join(kernel, "gcov");
}

export async function keepNotes(
  output: string,
  { runtime, overlayFiles }: Pick<Recipe, "runtime" | "overlayFiles">,
  kernel: string,
): Promise<void> {
  const folder = notesFolder(kernel);
  await mkdir(join(folder, objects), { recursive: true });
  for (const name of await notesIn(join(output, objects)))
    await cp(join(output, objects, name), join(folder, objects, name));
  for (const file of overlayFiles.filter((name) => /\.[ch]$/.test(name))) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(runtime, file), join(folder, file));
  }
}

/** Whether lines can be told of this kernel's counters. */
export async function hasNotes(kernel: string): Promise<boolean> {
  const folder = join(notesFolder(kernel), objects);
  return (await exists(folder)) && (await notesIn(folder)).length > 0;
}

async function notesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(".gcno"));
}

/** Throws unless it can be told which lines of the runtime run on this kernel. */
export async function requireNotes(kernel: string, counts: boolean): Promise<void> {
  if (!counts)
    throw new RexTestError("this kernel does not count what runs of the runtime", {
      where: kernel,
      hint: "leave out --kernel: --coverage takes a kernel with the config coverage by itself\nor build one: rex-test kernel build --config coverage",
    });
  if (await hasNotes(kernel)) return;
  throw new RexTestError("what gcov needs was not kept of this kernel", {
    where: notesFolder(kernel),
    hint: "rex-test kernel clean with its name, then build it again",
  });
}
