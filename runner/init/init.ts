// SPDX-License-Identifier: MIT
// Makes a new project out of the template. A file that is there stays as it is.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { errnoOf, RexTestError } from "../support/errors.ts";
import { projectFiles } from "./template.ts";

export interface InitResult {
  readonly folder: string;
  /** Relative to the folder. */
  readonly written: readonly string[];
  /** Files that were there before, and are as they were. */
  readonly kept: readonly string[];
  /** What npm knows rex-test by. */
  readonly dependency: string;
}

const packageFolder = fileURLToPath(new URL("../../", import.meta.url));

/** `wish` is what package.json says of rex-test, as npm understands it. */
export async function initProject(folder: string, wish?: string): Promise<InitResult> {
  const root = resolve(folder);
  const own = await ownPackage();
  const dependency = wish ?? ownSpecifier(root, own.version);
  const files = await projectFiles({
    name: packageName(basename(root)),
    "rex-test": dependency,
    typescript: own.devDependencies.typescript,
    "@types/node": own.devDependencies["@types/node"],
  });
  const written: string[] = [];
  const kept: string[] = [];
  for (const { path, text } of files) {
    const list = (await writeNew(join(root, path), text)) ? written : kept;
    list.push(path);
  }
  return { folder: root, written, kept, dependency };
}

/** Whether the file was written; false when there is something of that name already. */
async function writeNew(path: string, text: string): Promise<boolean> {
  const failed = (error: unknown) =>
    new RexTestError(`cannot make a file of the project (${errnoOf(error) ?? "error"})`, {
      where: path,
      cause: error,
    });
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw failed(error);
  }
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw failed(error);
  }
}

/** This very package: by its path while it is a checkout, else by the version that is installed. */
function ownSpecifier(project: string, version: string): string {
  if (packageFolder.includes("/node_modules/")) return `^${version}`;
  return `file:${relative(project, packageFolder) || "."}`;
}

/** A name that npm accepts, out of a folder's. */
export function packageName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+/, "")
    .replace(/-+$/, "")
    .slice(0, 214);
  // A package can't depend on one of its own name.
  return name === "" || name === "rex-test" ? "rex-project" : name;
}

interface OwnPackage {
  readonly version: string;
  readonly devDependencies: Readonly<Record<"typescript" | "@types/node", string>>;
}

async function ownPackage(): Promise<OwnPackage> {
  return JSON.parse(await readFile(join(packageFolder, "package.json"), "utf8")) as OwnPackage;
}
