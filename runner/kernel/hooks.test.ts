// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { applyHooks, explainHunk, parseHunks, parseRejections, patchedFiles } from "./hooks.ts";

const patch = `Subject: a hook
---
--- a/kernel/a.c
+++ b/kernel/a.c
@@ -1,3 +1,4 @@
 one
+inserted
 two
 three
@@ -8 +9 @@ context
-eight
+EIGHT
--- a/b.c
+++ b/b.c
@@ -1,2 +1,2 @@
 x
-y
+z
`;

test("the files a patch changes", () => {
  expect(patchedFiles(patch, "p")).toEqual(["kernel/a.c", "b.c"]);
  expect(() => patchedFiles("hello", "p")).toThrow("not a patch");
  expect(() => patchedFiles("--- a/x\n+++ b/../../etc/passwd\n", "p")).toThrow("outside the kernel tree");
});

test("hunks are counted within their file, with the lines they expect", () => {
  expect(parseHunks(patch)).toEqual([
    { file: "kernel/a.c", number: 1, oldStart: 1, oldLines: ["one", "two", "three"] },
    { file: "kernel/a.c", number: 2, oldStart: 8, oldLines: ["eight"] },
    { file: "b.c", number: 1, oldStart: 1, oldLines: ["x", "y"] },
  ]);
});

test("what patch(1) says is understood", () => {
  const output = `patching file kernel/bpf/syscall.c
Hunk #2 FAILED at 5706.
1 out of 3 hunks FAILED -- saving rejects to file kernel/bpf/syscall.c.rej
patching file b.c
Reversed (or previously applied) patch detected!  Skipping patch.
can't find file to patch at input line 3`;
  expect(parseRejections(output)).toEqual([
    { file: "kernel/bpf/syscall.c", hunk: 2, reason: "does not apply at line 5706" },
    { file: "b.c", hunk: undefined, reason: "seems to be applied already" },
    { file: "b.c", hunk: undefined, reason: "the file does not exist" },
  ]);
});

test("the first line that differs is named, where the file fits best", () => {
  const hunk = { oldStart: 2, oldLines: ["\tcase A:", "\t\tgo();", "\t\tbreak;"] };
  const file = "x\ny\nz\n\tcase A:\n\t\tgo(now);\n\t\tbreak;\n";
  expect(explainHunk(hunk, file)).toBe('line 5: the hook expects "go();", the file has "go(now);"');
  expect(explainHunk({ oldStart: 1, oldLines: ["only", "this"] }, "only")).toBe(
    'line 2: the hook expects "this", the file ends',
  );
});

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-hooks-"));
  await mkdir(join(folder, "tree/kernel"), { recursive: true });
  await mkdir(join(folder, "staging"));
  await writeFile(join(folder, "tree/b.c"), "x\ny\n");
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const apply = async () =>
  await applyHooks(
    [{ path: "0001-a.patch", text: patch, files: patchedFiles(patch, "p") }],
    join(folder, "staging"),
    async (file) => join(folder, "tree", file),
  );

test("hooks are applied to copies", async () => {
  const original = "one\ntwo\nthree\n4\n5\n6\n7\neight\n";
  await writeFile(join(folder, "tree/kernel/a.c"), original);
  await apply();
  expect(await readFile(join(folder, "staging/kernel/a.c"), "utf8")).toBe(
    "one\ninserted\ntwo\nthree\n4\n5\n6\n7\nEIGHT\n",
  );
  expect(await readFile(join(folder, "tree/kernel/a.c"), "utf8")).toBe(original);
});

test("a hunk that fails names hook, file, hunk and line", async () => {
  await writeFile(join(folder, "tree/kernel/a.c"), "one\ntwo\nthree\n4\n5\n6\n7\n8\n");
  await expect(apply()).rejects.toMatchObject({
    message: "the hook 0001-a.patch does not apply to this kernel",
    detail: expect.stringMatching(
      /kernel\/a\.c, hunk 2: does not apply at line 9; line 8: the hook expects "eight", the file has "8"[\s\S]*EIGHT/,
    ),
  });
});
