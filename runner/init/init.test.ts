// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { initProject, packageName } from "./init.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-init-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a new project has all files, and package.json says what it depends on", async () => {
  const made = await initProject(join(folder, "My Probes"), "file:../rex-test");
  expect(made.kept).toEqual([]);
  expect(made.written).toEqual([
    ".github/workflows/rex-test.yml",
    ".gitignore",
    "README.md",
    "fixtures/programs/count-dups/Cargo.toml",
    "fixtures/programs/count-dups/src/main.rs",
    "package.json",
    "specs/count-dups.spec.ts",
    "specs/panic.spec.ts",
    "tsconfig.json",
  ]);
  const manifest = JSON.parse(await readFile(join(made.folder, "package.json"), "utf8"));
  expect(manifest).toMatchObject({ name: "my-probes", devDependencies: { "rex-test": "file:../rex-test" } });
  expect(manifest.devDependencies.typescript).toMatch(/^\^\d/);
  expect(await readFile(join(made.folder, "README.md"), "utf8")).toMatch(/^# my-probes\n/);
});

test("what is there stays as it is, and is named", async () => {
  await mkdir(join(folder, "specs/panic.spec.ts"), { recursive: true });
  await writeFile(join(folder, "package.json"), "mine");
  const made = await initProject(folder);
  expect(made.kept).toEqual(["package.json", "specs/panic.spec.ts"]);
  expect(await readFile(join(folder, "package.json"), "utf8")).toBe("mine");
  expect((await initProject(folder)).written).toEqual([]);
});

test("a file in the place of a folder is told", async () => {
  await writeFile(join(folder, "specs"), "");
  await expect(initProject(folder)).rejects.toThrow(/cannot make a file of the project \((EEXIST|ENOTDIR)\)/);
});

test.each([
  ["my-probe", "my-probe"],
  ["My Probe!", "my-probe"],
  ["_hidden", "hidden"],
  ["жук", "rex-project"],
  ["rex-test", "rex-project"],
])("folder %s gives the package name %s", (name, expected) => {
  expect(packageName(name)).toBe(expected);
});
