// SPDX-License-Identifier: MIT
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FolderWatch } from "./folder-watch.ts";

test("changes are told together, also those from before anybody asked, and only of the folders wanted", async () => {
  const folders = await Promise.all([0, 1].map(() => mkdtemp(join(tmpdir(), "rex-test-watch-"))));
  onTestFinished(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))).then(() => {}));
  const [watched = "", other = ""] = folders;
  using watching = new FolderWatch();
  watching.watch(folders);
  watching.watch([watched]);
  const never = new AbortController().signal;
  await writeFile(join(other, "c"), "");
  await writeFile(join(watched, "a"), "");
  const asked = watching.changes(never);
  await writeFile(join(watched, "b"), "");
  expect(await asked).toEqual([join(watched, "a"), join(watched, "b")]);
  const ended = new AbortController();
  const nothing = watching.changes(ended.signal);
  ended.abort();
  expect(await nothing).toEqual([]);
});
