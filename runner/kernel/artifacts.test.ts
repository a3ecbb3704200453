// SPDX-License-Identifier: MIT
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exists } from "../support/cache.ts";
import { checksumsOfImages, readKernel, readOrRemoveKernel, readWholeKernel } from "./artifacts.ts";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-kernel-"));
  for (const name of ["vmlinux", "bzImage"]) await writeFile(join(folder, name), name.repeat(1000));
  await describeKernel({ images: await checksumsOfImages(folder) });
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function describeKernel(more: object): Promise<void> {
  const kernel = {
    name: "a",
    version: "6.12",
    config: "default",
    source: "s",
    key: "k",
    builtMs: 1,
    ...more,
  };
  return writeFile(join(folder, "kernel.json"), JSON.stringify(kernel));
}

test("a kernel whose images are what was built is one", async () => {
  expect(await readWholeKernel(folder)).toMatchObject({ name: "a", path: folder });
});

test("one from before checksums were kept is taken as it is", async () => {
  await describeKernel({});
  expect(await readWholeKernel(folder)).toMatchObject({ images: {} });
});

for (const [what, damage] of [
  ["an image that was cut", () => truncate(join(folder, "vmlinux"), 10)],
  ["an image that was written over", () => writeFile(join(folder, "bzImage"), "BZIMAGE".repeat(1000))],
  ["no image", () => rm(join(folder, "vmlinux"))],
  ["a description that was cut", () => truncate(join(folder, "kernel.json"), 10)],
] as const) {
  test(`a kernel with ${what} is told, and goes where it can be built again`, async () => {
    await damage();
    await expect(readWholeKernel(folder)).rejects.toThrow("this kernel of the cache is damaged");
    expect(await readOrRemoveKernel(folder)).toBeUndefined();
    expect(await exists(folder)).toBe(false);
    expect(await readKernel(folder)).toBeUndefined();
  });
}
