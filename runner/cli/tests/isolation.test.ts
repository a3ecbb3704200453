// SPDX-License-Identifier: MIT
// Which tests share a guest, and that one cannot tell from its guest that others had it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { runCli } from "./support/cli.ts";
import { temporaryFolder } from "./support/images.ts";

/** Guests by the tests that had them, named by the order in which they came: "first:a second:a". */
async function guestsOf(level: string): Promise<string> {
  await using folder = await temporaryFolder();
  const seen = join(folder.path, "seen");
  const args = ["run", "fixtures/projects/isolation", "--isolate", level, "--jobs", "1"];
  const { exitCode, stdout, stderr } = await runCli(args, { env: { GUESTS_SEEN: seen } });
  assert.equal(exitCode, 0, stdout + stderr);
  const names = new Map<string, string>();
  return (await readFile(seen, "utf8"))
    .trim()
    .split("\n")
    .map((line) => line.split(" "))
    .map(([who, id = ""]) => {
      if (!names.has(id)) names.set(id, "abcdefg"[names.size] ?? "?");
      return `${who}:${names.get(id)}`;
    })
    .join(" ");
}

test("--isolate test: each test has a guest of its own", async () => {
  assert.equal(await guestsOf("test"), "other:a first:b second:c third:d fourth:e fifth:f sixth:g");
});

test("--isolate file: tests of a file share those of a kind, until one leaves something behind", async () => {
  assert.equal(await guestsOf("file"), "other:a first:b second:b third:c fourth:b fifth:d sixth:e");
});

test("--isolate none: files share them too", async () => {
  assert.equal(await guestsOf("none"), "other:a first:a second:a third:b fourth:a fifth:c sixth:d");
});
