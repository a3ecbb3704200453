// SPDX-License-Identifier: MIT
// artifacts/<run>/: what is kept of a run's failures, by default in the folder that the run was started in. git does not see
// it; the newest runs stay, older ones go.
import { mkdir, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, RexTestError } from "../../support/errors.ts";

const keptRuns = 10;
const runName = /^\d{8}-\d{6}-(\d+)$/;

/** Removes the folder at its end if nothing was kept in it. */
export interface ArtifactsFolder extends AsyncDisposable {
  readonly path: string;
}

export function artifactsRoot(cwd: string): string {
  return join(cwd, "artifacts");
}

export async function openArtifactsFolder(root: string, now: Date = new Date()): Promise<ArtifactsFolder> {
  const stamp = now.toISOString().replaceAll(/[-:]/g, "").replace("T", "-").slice(0, 15);
  const path = join(root, `${stamp}-${process.pid}`);
  try {
    await mkdir(path, { recursive: true });
    await writeFile(join(root, ".gitignore"), "*\n");
  } catch (cause) {
    throw new RexTestError(
      `cannot make a folder for what is kept of failures (${errnoOf(cause) ?? "error"})`,
      {
        where: path,
        hint: "run it in a folder that you can write to, and on a disk with room",
        cause,
      },
    );
  }
  await removeOldRuns(root);
  return { path, [Symbol.asyncDispose]: () => rmdir(path).catch(() => undefined) };
}

/** A long run is not robbed of its folder by many short ones beside it. */
async function removeOldRuns(root: string): Promise<void> {
  const runs = (await readdir(root)).filter((name) => runName.test(name)).sort();
  for (const name of runs.slice(0, -keptRuns)) {
    if (isUnderWay(name)) continue;
    await rm(join(root, name), { recursive: true, force: true });
  }
}

function isUnderWay(name: string): boolean {
  try {
    return process.kill(Number(runName.exec(name)?.[1]), 0);
  } catch (error) {
    return errnoOf(error) === "EPERM";
  }
}
