// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { hasNotes, keepNotes, notesFolder, requireNotes } from "./gcov.ts";

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rex-gcov-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

test("of a build the notes of the runtime are kept, and the sources that they speak of", async () => {
  const output = await folderWith({
    "kernel/rex/exit.gcno": "notes",
    "kernel/rex/exit.o": "",
    "kernel/fork.gcno": "not the runtime's",
  });
  const sources = { "kernel/rex/exit.c": "int exit;", "include/linux/rex.h": "", "kernel/rex/Makefile": "" };
  const runtime = await folderWith(sources);
  const kernel = await folderWith({ vmlinux: "" });
  expect(await hasNotes(kernel)).toBe(false);
  await keepNotes(output, { runtime, overlayFiles: Object.keys(sources) }, kernel);
  const kept = await readdir(notesFolder(kernel), { recursive: true, withFileTypes: true });
  expect(
    kept
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort(),
  ).toEqual(["exit.c", "exit.gcno", "rex.h"]);
  expect(await readFile(join(notesFolder(kernel), "kernel/rex/exit.gcno"), "utf8")).toBe("notes");
  await requireNotes(kernel, true);
});

test("a kernel that does not count, and one without notes, are refused with what to do", async () => {
  const kernel = await folderWith({ vmlinux: "" });
  await expect(requireNotes(kernel, false)).rejects.toMatchObject({
    message: expect.stringMatching(/does not count/),
    where: kernel,
    hint: expect.stringMatching(/--config coverage/),
  });
  await expect(requireNotes(kernel, true)).rejects.toMatchObject({
    where: notesFolder(kernel),
    hint: expect.stringMatching(/kernel clean/),
  });
});
