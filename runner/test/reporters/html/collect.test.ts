// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { guestReport, panicSplat } from "../testing/recorded-run.ts";
import { promiseOf } from "./collect.ts";
import { reportConsole } from "./console.ts";
import { dataBlock, readPage } from "./page.ts";
import { SourceFiles } from "./sources.ts";

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rex-html-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test("the promise is the folder under specs", () => {
  expect(promiseOf("specs/panic/deep/a.spec.ts")).toBe("panic/deep");
  expect(promiseOf("specs/a.spec.ts")).toBe("specs");
  expect(promiseOf("fixtures/projects/mixed/a.spec.ts")).toBe("fixtures/projects/mixed");
});

test("the console has numbers, except for what was inlined, and its splats are marked", async () => {
  const consoleFile = join(await temporaryFolder(), "console.log");
  await writeFile(consoleFile, "raw\n");
  const lines = [
    "boot",
    "Kernel panic - not syncing: <sysrq>",
    "[inlined] f (a.c:1)",
    " panic+0x1/0x2 (a.c:2)",
  ];
  await writeFile(
    consoleFile.replace(".log", ".symbolised.log"),
    [...lines, "---[ end Kernel panic ]---", "after\u001b[31m", ""].join("\n"),
  );
  const splat = { ...panicSplat, lines: [...lines.slice(1), "---[ end Kernel panic ]---"] };
  const { lines: shown, splats } = await reportConsole(guestReport({ consoleFile, splats: [splat] }));
  expect(shown).toEqual([
    { number: 1, text: "boot" },
    { number: 2, text: lines[1], splat: true },
    { text: lines[2], splat: true },
    { number: 3, text: lines[3], splat: true },
    { number: 4, text: "---[ end Kernel panic ]---", splat: true },
    { number: 5, text: "after" },
  ]);
  expect(splats).toEqual([{ line: 2, title: panicSplat.title, severity: "critical" }]);
});

test("a long console is cut, and not at its splat", async () => {
  const consoleFile = join(await temporaryFolder(), "console.log");
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index + 1}`);
  await writeFile(consoleFile, lines.join("\n"));
  const splat = { ...panicSplat, firstLine: 999, lines: ["line 1000"] };
  const cut = await reportConsole(guestReport({ consoleFile, splats: [splat] }));
  expect(cut).toMatchObject({ omitted: 999, lines: { length: 3_000, 0: { number: 1_000, splat: true } } });
  const tail = await reportConsole(guestReport({ consoleFile }));
  expect(tail.lines.at(-1)).toEqual({ number: 20_000, text: "line 20000" });
});

test("sources are those of the project, and nothing else on the disk", async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "project/kernel"), { recursive: true });
  await writeFile(join(folder, "project/kernel/exit.c"), "1\n2\n3\n");
  await writeFile(join(folder, "secret.c"), "1\n2\n3\n");
  const files = new SourceFiles([join(folder, "project")]);
  const texts = [
    `f+0x1/0x2 (kernel/exit.c:2) ../secret.c:1 ${folder}/secret.c:1 kernel/exit.c:900`,
    "src/main.rs:1",
  ];
  const found = await files.excerpts(texts, "fn prog");
  expect(found).toEqual({
    "kernel/exit.c:2": { path: "kernel/exit.c", first: 1, lines: ["1", "2", "3", ""] },
    "src/main.rs:1": { path: "src/main.rs", first: 1, lines: ["fn prog"] },
  });
});

test("no text can end the block that it is in", () => {
  const block = dataBlock("x", { name: "</script><script>alert(1)</script><!--" });
  expect(block.match(/</g)).toHaveLength(2);
  expect(JSON.parse(block.replace(/^<script[^>]*>|<\/script>\n$/g, ""))).toEqual({
    name: "</script><script>alert(1)</script><!--",
  });
});

test("the page's parts are joined, and nothing is left to load", async () => {
  const { head, tail } = await readPage();
  expect(head + tail).not.toMatch(/\b(?:href|src)="|^import |^export /m);
  expect(head).toMatch(/script-src 'sha256-/);
});
