// SPDX-License-Identifier: MIT
// Programs that are given by file, on the command line: a .rs file, a cargo project, or a built .rex object. Loaded and attached where
// their attributes say.
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { exists } from "../support/cache.ts";
import { RexTestError } from "../support/errors.ts";
import type { Guest } from "../test/guests/guest.ts";
import type { Compiler } from "../test/programs/compiler.ts";

const callLimitMs = 30_000;

export interface ProgramFile {
  readonly name: string;
  readonly object: Buffer;
}

/** Builds what is not built yet. */
export async function readProgram(path: string, cwd: string, compiler: Compiler): Promise<ProgramFile> {
  const file = resolve(cwd, path);
  if (!(await exists(file))) throw new RexTestError("there is no such program", { where: file });
  if (file.endsWith(".rex")) return { name: nameOf(file, ".rex"), object: await readFile(file) };
  if (!file.endsWith(".rs") && !(await exists(join(file, "Cargo.toml"))))
    throw new RexTestError("a program is a .rs file, a cargo project or a .rex object", { where: file });
  const name = nameOf(file, ".rs");
  const built = await compiler.compile({ kind: "fixture", name, path: file });
  if (built.ok) return { name, object: await readFile(built.object) };
  throw new RexTestError("the program does not build", {
    outcome: "failure",
    where: file,
    detail: built.rendered,
  });
}

/** Loads the object and attaches its programs; returns a line about each. */
export async function loadAndAttach(guest: Guest, { name, object }: ProgramFile): Promise<readonly string[]> {
  const limits = { timeoutMs: callLimitMs };
  const loaded = await guest.call("load", { name, object: object.toString("base64") }, limits);
  const lines: string[] = [];
  for (const { program, id, name: called, type, attach } of loaded.programs) {
    const what = `program ${id} "${called}" (${type})`;
    if (attach === undefined) {
      lines.push(`${what} is loaded; its attribute does not say where to attach it`);
      continue;
    }
    const { link } = await guest.call("attach", { program }, limits);
    lines.push(`${what} is attached to ${attach} (link ${link})`);
  }
  return lines;
}

function nameOf(file: string, extension: string): string {
  return basename(file, extension).replaceAll(/\W/g, "_");
}
