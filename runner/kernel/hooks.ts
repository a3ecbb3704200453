// SPDX-License-Identifier: MIT
// The patches to existing kernel files. They are applied to copies in a staging folder, never in the tree itself, so that one
// that fails leaves the tree as it was. A hunk that fails is shown with the line that is not what it expects.
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { exists } from "../support/cache.ts";
import { errnoOf, RexTestError } from "../support/errors.ts";
import { runProcess, succeeded } from "../support/process.ts";

export interface Hook {
  readonly path: string;
  readonly text: string;
  /** Files of the kernel it changes. */
  readonly files: readonly string[];
}

/** The patches in a folder, in the order of their names. No folder: no hooks. */
export async function readHooks(folder: string): Promise<Hook[]> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith(".patch")).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
  return await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const text = await readFile(path, "utf8");
      return { path, text, files: patchedFiles(text, path) };
    }),
  );
}

/** The files a patch changes; a path that leaves the tree is refused. */
export function patchedFiles(text: string, path: string): string[] {
  const files = [...text.matchAll(/^\+\+\+ b\/(\S+)/gm)].map((match) => match[1] ?? "");
  for (const file of files) {
    if (file.startsWith("/") || file.split("/").includes("..")) {
      throw new RexTestError(`a hook changes a file outside the kernel tree: ${file}`, { where: path });
    }
  }
  if (files.length === 0) throw new RexTestError("not a patch: it names no file (+++ b/…)", { where: path });
  return files;
}

export interface Hunk {
  readonly file: string;
  /** Counted from 1 within its file, as patch(1) counts. */
  readonly number: number;
  readonly oldStart: number;
  /** The lines it expects: context and removed ones, without their mark. */
  readonly oldLines: readonly string[];
}

export function parseHunks(text: string): Hunk[] {
  const hunks: (Hunk & { oldLines: string[] })[] = [];
  let file = "";
  let number = 0;
  let left = 0;
  for (const line of text.split("\n")) {
    const target = /^\+\+\+ b\/(\S+)/.exec(line)?.[1];
    const start = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@/.exec(line);
    if (target !== undefined) {
      file = target;
      number = 0;
      left = 0;
    } else if (start) {
      number += 1;
      left = Number(start[2] ?? 1);
      hunks.push({ file, number, oldStart: Number(start[1]), oldLines: [] });
    } else if (left > 0 && (line.startsWith(" ") || line.startsWith("-") || line === "")) {
      hunks.at(-1)?.oldLines.push(line.slice(1));
      left -= 1;
    }
  }
  return hunks;
}

export interface Rejection {
  readonly file: string;
  readonly hunk: number | undefined;
  readonly reason: string;
}

/** What patch(1) said went wrong. */
export function parseRejections(output: string): Rejection[] {
  const rejections: Rejection[] = [];
  let file = "";
  for (const line of output.split("\n")) {
    file = /^(?:checking|patching) file '?([^']+?)'?$/.exec(line)?.[1] ?? file;
    const failed = /^Hunk #(\d+) FAILED at (\d+)/.exec(line);
    if (failed)
      rejections.push({ file, hunk: Number(failed[1]), reason: `does not apply at line ${failed[2]}` });
    else if (/^Reversed \(or previously applied\) patch detected/.test(line)) {
      rejections.push({ file, hunk: undefined, reason: "seems to be applied already" });
    } else if (/^can't find file to patch/.test(line))
      rejections.push({ file, hunk: undefined, reason: "the file does not exist" });
    else if (/malformed patch/.test(line))
      rejections.push({ file, hunk: undefined, reason: line.replace(/^patch: \*+ /, "") });
  }
  return rejections;
}

/** The place where the file fits the hunk best, and the first line there that differs. */
export function explainHunk(hunk: Pick<Hunk, "oldLines" | "oldStart">, contents: string): string {
  const lines = contents.split("\n");
  let best = { at: hunk.oldStart, matching: -1 };
  for (let at = 1; at <= lines.length; at += 1) {
    const matching = hunk.oldLines.filter(
      (line, index) => line.trim() !== "" && lines[at - 1 + index] === line,
    ).length;
    const nearer = Math.abs(at - hunk.oldStart) < Math.abs(best.at - hunk.oldStart);
    if (matching > best.matching || (matching === best.matching && nearer)) best = { at, matching };
  }
  const wrong = hunk.oldLines.findIndex((line, index) => lines[best.at - 1 + index] !== line);
  if (wrong < 0) return `the lines are there, at line ${best.at}, but more than once or too far away`;
  const found = lines[best.at - 1 + wrong];
  const has = found === undefined ? "the file ends" : `the file has ${JSON.stringify(found.trim())}`;
  return `line ${best.at + wrong}: the hook expects ${JSON.stringify((hunk.oldLines[wrong] ?? "").trim())}, ${has}`;
}

/** Applies the hooks to copies of the files in `staging`; `original` says where a file's untouched contents are. */
export async function applyHooks(
  hooks: readonly Hook[],
  staging: string,
  original: (file: string) => Promise<string>,
): Promise<void> {
  for (const file of new Set(hooks.flatMap((hook) => hook.files))) {
    const source = await original(file);
    await mkdir(dirname(join(staging, file)), { recursive: true });
    // A hook may create a file; patch(1) then wants it absent.
    if (await exists(source)) await copyFile(source, join(staging, file));
  }
  for (const hook of hooks) {
    const before = new Map(
      await Promise.all(
        hook.files.map(async (file) => [file, await contentsOf(join(staging, file))] as const),
      ),
    );
    const args = [
      "--strip=1",
      "--forward",
      "--batch",
      "--fuzz=1",
      "--no-backup-if-mismatch",
      `--directory=${staging}`,
    ];
    const finished = await runProcess("patch", args, { input: hook.text, env: { LC_ALL: "C" } });
    if (!succeeded(finished))
      throw await rejectedError(hook, `${finished.stdout}\n${finished.stderr}`, staging, before);
  }
}

async function rejectedError(
  hook: Hook,
  output: string,
  staging: string,
  before: ReadonlyMap<string, string>,
): Promise<RexTestError> {
  const hunks = parseHunks(hook.text);
  const rejections = parseRejections(output);
  const reasons = rejections.map(({ file, hunk, reason }) => {
    const rejected = hunks.find((candidate) => candidate.file === file && candidate.number === hunk);
    const why = rejected ? `; ${explainHunk(rejected, before.get(file) ?? "")}` : "";
    return `${file}${hunk === undefined ? "" : `, hunk ${hunk}`}: ${reason}${why}`;
  });
  const rejects = await Promise.all(hook.files.map((file) => contentsOf(join(staging, `${file}.rej`))));
  const detail = [...reasons, ...rejects.filter((text) => text !== "")].join("\n") || output;
  return new RexTestError(`the hook ${basename(hook.path)} does not apply to this kernel`, {
    where: hook.path,
    detail,
    hint: "the kernel's file has changed there: adapt the hunk, or build from the source the hooks were made for",
  });
}

async function contentsOf(path: string): Promise<string> {
  return (await exists(path)) ? await readFile(path, "utf8") : "";
}
