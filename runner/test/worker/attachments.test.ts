// SPDX-License-Identifier: MIT
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { Attachments } from "./attachments.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-test-attachments-"));
  onTestFinished(() => rm(folder, { recursive: true }));
});

it("keeps text and bytes as they are, and anything else as JSON", async () => {
  const attachments = new Attachments(folder);
  expect(await readFile(await attachments.add("a.txt", "text"), "utf8")).toBe("text");
  expect([...(await readFile(await attachments.add("a.bin", new Uint8Array([0, 255]))))]).toEqual([0, 255]);
  const json = await readFile(await attachments.add("a.json", { count: 2n }), "utf8");
  expect(JSON.parse(json)).toEqual({ count: "2" });
  expect(attachments.list.map(({ name, bytes }) => [name, bytes])).toEqual([
    ["a.txt", 4],
    ["a.bin", 2],
    ["a.json", json.length],
  ]);
});

it("never leaves its folder, and takes no other's name", async () => {
  const attachments = new Attachments(folder);
  const first = await attachments.add("../../etc/passwd", "x");
  expect(join(folder, "attachments", basename(first))).toBe(first);
  expect(basename(await attachments.add("a b", "1"))).toBe("a-b");
  expect(basename(await attachments.add("a/b", "2"))).toBe("2-a-b");
});

it("has limits, and says which", async () => {
  const attachments = new Attachments(folder);
  await expect(attachments.add("big", new Uint8Array(17 * 1024 * 1024))).rejects.toThrow(/at most 16777216/);
  await expect(attachments.add("///", "x")).rejects.toThrow(/no letters to make a file name of/);
});
