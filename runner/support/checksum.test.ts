// SPDX-License-Identifier: MIT
import { copyFile, type FileHandle, mkdtemp, open, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Checksum, checksumOf, isIntact } from "./checksum.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-test-checksum-"));
  path = join(folder, "file");
  await writeFile(path, Buffer.alloc(3 * 1024 * 1024 + 5, 7));
});
afterEach(() => rm(folder, { recursive: true }));

async function withFile<T>(name: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  await using file = await open(name, "r");
  return await use(file);
}

const sumOf = (name: string) => withFile(name, checksumOf);
const intact = (name: string, sum: Checksum, thorough = false) =>
  withFile(name, (file) => isIntact(file, sum, thorough));

it("is true of the file and of a copy", async () => {
  const sum = await sumOf(path);
  expect(sum.bytes).toBe(3 * 1024 * 1024 + 5);
  expect(await intact(path, sum)).toBe(true);
  expect(await intact(path, sum, true)).toBe(true);
  await copyFile(path, join(folder, "copy"));
  expect(await intact(join(folder, "copy"), sum)).toBe(true);
});

it("is no longer true when a byte has changed", async () => {
  const sum = await sumOf(path);
  await using file = await open(path, "r+");
  await file.write(Buffer.of(8), 0, 1, 2_000_000);
  expect(await intact(path, sum)).toBe(false);
});

it("is no longer true when the file was cut, filled with zeroes again or made longer", async () => {
  const sum = await sumOf(path);
  await truncate(path, 1024);
  expect(await intact(path, sum)).toBe(false);
  await truncate(path, sum.bytes);
  expect(await intact(path, sum)).toBe(false);
  await truncate(path, sum.bytes + 1);
  expect(await intact(path, sum)).toBe(false);
});
