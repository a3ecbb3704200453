// SPDX-License-Identifier: MIT
// The files of templates/project, as they are in a new project.
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { RexTestError } from "../support/errors.ts";

const templateFolder = fileURLToPath(new URL("../../templates/project", import.meta.url));

export interface ProjectFile {
  /** Relative to the project's folder. */
  readonly path: string;
  readonly text: string;
}

/** `values` are what stands in the files between braces: {name}, and in package.json the packages that it depends on. */
export async function projectFiles(values: Readonly<Record<string, string>>): Promise<ProjectFile[]> {
  const entries = await readdir(templateFolder, { recursive: true, withFileTypes: true });
  const sources = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const files = sources.map(async (source) => {
    const path = projectPath(relative(templateFolder, source));
    const text = await readFile(source, "utf8");
    return { path, text: isFilledIn(path) ? fillIn(text, values) : text };
  });
  return (await Promise.all(files)).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What npm or git would heed inside of this package is named with an underscore: _package.json, _gitignore. */
function projectPath(path: string): string {
  const name = basename(path)
    .replace(/^_gitignore$/, ".gitignore")
    .replace(/^_/, "");
  return join(dirname(path), name);
}

/** Braces mean something else in programs, specs and workflows. */
function isFilledIn(path: string): boolean {
  return path === "package.json" || path === "README.md";
}

function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{([@\w/-]+)\}/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new RexTestError(`the template asks for {${key}}, which nobody knows`);
    return value;
  });
}
