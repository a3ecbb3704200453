// SPDX-License-Identifier: MIT
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cacheRoot, exists, publishFile, publishFolder } from "./cache.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-cache-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("where the cache is", () => {
  expect(cacheRoot({ REX_TEST_CACHE: "/a", XDG_CACHE_HOME: "/b", HOME: "/c" })).toBe("/a");
  expect(cacheRoot({ XDG_CACHE_HOME: "/b", HOME: "/c" })).toBe("/b/rex-test");
  expect(cacheRoot({ HOME: "/c" })).toBe("/c/.cache/rex-test");
});

test("a folder appears whole or not at all", async () => {
  const path = join(folder, "x", "entry");
  await expect(
    publishFolder(path, async (temporary) => {
      await writeFile(join(temporary, "half"), "");
      expect(await exists(path)).toBe(false);
      throw new Error("interrupted");
    }),
  ).rejects.toThrow("interrupted");
  expect(await readdir(join(folder, "x"))).toEqual([]);
  await publishFolder(path, async (temporary) => writeFile(join(temporary, "whole"), "1"));
  expect(await readdir(path)).toEqual(["whole"]);
});

test("of two publishers the first one's folder stays", async () => {
  const path = join(folder, "entry");
  const publisher = (name: string) =>
    publishFolder(path, (temporary) => writeFile(join(temporary, "who"), name));
  await Promise.all([publisher("a"), publisher("b")]);
  const first = await readFile(join(path, "who"), "utf8");
  await publisher("c");
  expect(await readFile(join(path, "who"), "utf8")).toBe(first);
  expect(await readdir(folder)).toEqual(["entry"]);
});

test("a file is replaced in one step and nothing is left beside it", async () => {
  const path = join(folder, "file");
  await publishFile(path, "one");
  await publishFile(path, "two");
  expect(await readFile(path, "utf8")).toBe("two");
  expect(await readdir(folder)).toEqual(["file"]);
});
