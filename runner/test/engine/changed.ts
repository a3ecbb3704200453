// SPDX-License-Identifier: MIT
// `--changed`: the specs that files depend on which differ from a commit, uncommitted and untracked ones included.
import { join, relative } from "node:path";
import { RexTestError } from "../../support/errors.ts";
import { runProcess } from "../../support/process.ts";
import { affectedSpecs, filesOfSpec } from "../collect/dependencies.ts";
import { findSpecs } from "../collect/find-specs.ts";

const gitLimitMs = 60_000;

export interface ChangedSpecs {
  /** Absolute. */
  readonly specs: readonly string[];
  /** For the reader. */
  readonly note: string;
}

export async function changedSpecs(
  paths: readonly string[],
  cwd: string,
  ref: string,
  signal: AbortSignal,
): Promise<ChangedSpecs> {
  const all = await findSpecs(paths, cwd);
  const changed = await changedFiles(cwd, ref, signal);
  const affected = affectedSpecs(all.map(filesOfSpec), changed);
  if (affected.kind === "all")
    return {
      specs: all,
      note: `--changed: all specs are taken, because of ${relative(cwd, affected.because)}`,
    };
  const { specs } = affected;
  return { specs, note: `--changed: ${specs.length} of ${all.length} spec files differ from ${ref}` };
}

async function changedFiles(cwd: string, ref: string, signal: AbortSignal): Promise<readonly string[]> {
  const git = async (...args: readonly string[]) => {
    const { ending, stdout, stderr } = await runProcess("git", args, { cwd, signal, timeoutMs: gitLimitMs });
    if (ending.kind === "exited" && ending.code === 0) return stdout;
    throw new RexTestError(`--changed=${ref}: git can't say what changed`, {
      where: cwd,
      detail: ending.kind === "notStarted" ? ending.reason : stderr.trim(),
      hint: "--changed=REF compares with a commit, a branch or a tag of this folder's repository; without REF with HEAD",
    });
  };
  const commit = (await git("rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`)).trim();
  const root = (await git("rev-parse", "--show-toplevel")).trim();
  const differing = await git("diff", "--name-only", "-z", commit, "--");
  const untracked = await git("ls-files", "--others", "--exclude-standard", "--full-name", "-z", root);
  return `${differing}\0${untracked}`
    .split("\0")
    .filter(Boolean)
    .map((path) => join(root, path));
}
