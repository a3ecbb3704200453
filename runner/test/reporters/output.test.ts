// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { destinations, parseReporter } from "./choice.ts";
import { createReporters } from "./create.ts";
import { FileOutput } from "./output.ts";

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rex-output-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test("a whole file takes its place at the end, and the old one stays when the run is given up", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "new/folder/out.xml");
  const first = new FileOutput(path, { mode: "whole", reporter: "junit" });
  first.write("one");
  expect(await readdir(join(folder, "new/folder"))).not.toContain("out.xml");
  first.finish();
  const second = new FileOutput(path, { mode: "whole", reporter: "junit" });
  second.write("two");
  second.discard();
  expect(await readFile(path, "utf8")).toBe("one");
  expect(await readdir(join(folder, "new/folder"))).toEqual(["out.xml"]);
});

test("a stream can be followed", async () => {
  const path = join(await temporaryFolder(), "out.tap");
  const output = new FileOutput(path, { mode: "stream", reporter: "tap" });
  output.write("TAP version 14\n");
  expect(await readFile(path, "utf8")).toBe("TAP version 14\n");
  output.finish();
});

test("a file that can't be written is an error before anything runs, and leaves nothing behind", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "file"), "");
  await mkdir(join(folder, "folder"));
  const choose = (name: string) => [parseReporter("junit=ok.xml"), parseReporter(`tap=${name}`)];
  expect(() => createReporters(choose("file/out.tap"), folder)).toThrow(
    "the tap reporter can't write its file",
  );
  expect(() => createReporters(choose("folder"), folder)).toThrow("(EISDIR)");
  expect((await readdir(folder)).sort()).toEqual(["file", "folder"]);
});

test("a full disk is told by name", () => {
  const output = new FileOutput("/dev/full", { mode: "whole", reporter: "html" });
  expect(() => output.write("much")).toThrow("the html reporter can't write its file (ENOSPC)");
  output.discard();
});

test("reporters are named, with or without a file", () => {
  expect(parseReporter("pretty")).toEqual({ name: "pretty", file: undefined });
  expect(parseReporter("html=a=b.html")).toEqual({ name: "html", file: "a=b.html" });
  expect(() => parseReporter("tap=")).toThrow("the name of the file is missing");
  expect(() => parseReporter("toString")).toThrow('there is no reporter "toString"');
});

test("two that would write into each other's text are refused", () => {
  const choose = (...values: readonly string[]) => destinations(values.map(parseReporter), "/w");
  expect(choose("pretty", "github", "junit", "tap=out.tap")).toEqual([
    { name: "pretty", path: undefined },
    { name: "github", path: undefined },
    { name: "junit", path: "/w/junit.xml" },
    { name: "tap", path: "/w/out.tap" },
  ]);
  expect(choose("dot", "dot")).toHaveLength(1);
  expect(() => choose("pretty", "tap")).toThrow("pretty and tap would write into each other's text");
  expect(() => choose("junit=-", "jsonl")).toThrow("junit and jsonl");
  expect(() => choose("html=x", "junit=./x")).toThrow("html and junit");
});
