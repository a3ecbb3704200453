// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exists } from "../support/cache.ts";
import type { Hook } from "./hooks.ts";
import { applyOverlay, type Overlay } from "./tree.ts";

let folder = "";
const at = (...parts: string[]) => join(folder, ...parts);
const read = (path: string) => readFile(at(path), "utf8");
async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(at(path)), { recursive: true });
  await writeFile(at(path), text);
}

function hook(file: string, from: string, to: string): Hook {
  return {
    path: `${to}.patch`,
    text: `--- a/${file}\n+++ b/${file}\n@@ -1 +1 @@\n-${from}\n+${to}\n`,
    files: [file],
  };
}

const overlay = (files: readonly string[], hooks: readonly Hook[]): Overlay => ({
  sources: at("sources"),
  files,
  hooks,
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-tree-"));
  await put("tree/a.c", "a\n");
  await put("tree/b.c", "b\n");
  await put("sources/rex/new.c", "new\n");
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("sources are added and hooks applied, and what is right already is not touched", async () => {
  const wanted = overlay(["rex/new.c"], [hook("a.c", "a", "hooked")]);
  await applyOverlay(folder, wanted);
  expect([await read("tree/a.c"), await read("tree/rex/new.c"), await read("original/a.c")]).toEqual([
    "hooked\n",
    "new\n",
    "a\n",
  ]);
  const times = () =>
    Promise.all(
      ["tree/a.c", "tree/rex/new.c", "tree/b.c"].map(async (path) => (await stat(at(path))).mtimeMs),
    );
  const before = await times();
  await applyOverlay(folder, wanted);
  expect(await times()).toEqual(before);
});

test("a changed hook starts from the untouched file", async () => {
  await applyOverlay(folder, overlay([], [hook("a.c", "a", "first")]));
  await applyOverlay(folder, overlay([], [hook("a.c", "a", "second")]));
  expect(await read("tree/a.c")).toBe("second\n");
});

test("hooks and sources that went are taken back", async () => {
  await applyOverlay(folder, overlay(["rex/new.c"], [hook("a.c", "a", "hooked"), hook("b.c", "b", "too")]));
  await applyOverlay(folder, overlay([], [hook("b.c", "b", "too")]));
  expect([await read("tree/a.c"), await read("tree/b.c")]).toEqual(["a\n", "too\n"]);
  expect(await exists(at("tree/rex/new.c"))).toBe(false);
});

test("a hook that fails leaves the tree as it was", async () => {
  await applyOverlay(folder, overlay(["rex/new.c"], [hook("a.c", "a", "hooked")]));
  await put("sources/rex/new.c", "newer\n");
  await expect(applyOverlay(folder, overlay(["rex/new.c"], [hook("b.c", "other", "x")]))).rejects.toThrow(
    "does not apply",
  );
  expect([await read("tree/a.c"), await read("tree/rex/new.c")]).toEqual(["hooked\n", "new\n"]);
});
