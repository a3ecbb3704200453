// SPDX-License-Identifier: MIT
// `rex-test mutants` from outside, with mutants that are none: what may not count as killed. Run by node --test.
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { sourcesFolder } from "../../kernel/repository.ts";
import { cachePath, exists } from "../../support/cache.ts";
import { rexTest, scratch } from "./command.ts";

const head = (promise: string, specs: string) =>
  `SPDX-License-Identifier: GPL-2.0-only\nPromise: ${promise}\nSpecs: ${specs}\n---\n`;

/** A patch that adds a line behind the first of a file of the runtime. */
async function adding(line: string): Promise<string> {
  const text = await readFile(join(sourcesFolder, "kernel/rex/log.c"), "utf8");
  const [first, ...others] = text.split("\n").slice(0, 4);
  const context = others.map((other) => ` ${other}\n`).join("");
  return `--- a/kernel/rex/log.c\n+++ b/kernel/rex/log.c\n@@ -1,4 +1,5 @@\n ${first}\n+${line}\n${context}`;
}

/** A mutant that no spec can notice. */
const harmless = await adding("/* Harmless. */");
const broken = await adding("this is no C;");

/** Its context is nowhere in the file. */
const stale = `--- a/kernel/rex/log.c
+++ b/kernel/rex/log.c
@@ -1,2 +1,2 @@
 this line was never there
-nor was this one
+and this one never will be
`;

async function mutantsIn(folder: string, patches: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, patch] of Object.entries(patches)) await writeFile(join(folder, `${name}.patch`), patch);
}

async function leftovers(): Promise<string[]> {
  const folder = cachePath("mutants");
  if (!(await exists(folder))) return [];
  return (await readdir(folder)).filter((name) => name.startsWith("work-") || name.startsWith(".tmp-"));
}

test("an unknown mutant, a shard that does not exist, and names beside --ci are refused", async () => {
  const unknown = await rexTest(["mutants", "no-such-mutant"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /there is no mutant "no-such-mutant"/);
  const shard = await rexTest(["mutants", "--shard", "3/2"]);
  assert.equal(shard.code, 2);
  assert.match(shard.stderr, /write it as 1\/4/);
  const both = await rexTest(["mutants", "--ci", "watchdog-off"]);
  assert.equal(both.code, 2);
  assert.match(both.stderr, /--ci and names both say which mutants/);
});

test("shards list every mutant once", async () => {
  const list = async (...more: string[]) =>
    (await rexTest(["mutants", "--list", ...more])).stdout.trim().split("\n").slice(1);
  const parts = [await list("--shard", "1/2"), await list("--shard", "2/2")].flat();
  assert.deepEqual(parts.toSorted(), (await list()).toSorted());
});

test("a patch that does not apply is an error, not a kill", async () => {
  await using folder = await scratch();
  await mutantsIn(folder.path, { stale: `${head("nothing", "attach/hello.spec.ts")}${stale}` });
  const json = join(folder.path, "report.json");
  const ran = await rexTest(["mutants", "--json", json], { env: { REX_TEST_MUTANTS: folder.path } });
  assert.equal(ran.code, 2, ran.stderr);
  assert.match(ran.stdout, /! error {4}stale: nothing/);
  assert.match(ran.stdout, /applying the mutant stale ended with exit code 1/);
  assert.match(ran.stdout, /0 killed, 0 survived, 1 could not be tried/);
  const report = JSON.parse(await readFile(json, "utf8"));
  assert.deepEqual(report.counts, { killed: 0, survived: 0, error: 1 });
  assert.equal(report.trials[0].mutant, "stale");
  assert.deepEqual(await leftovers(), []);
});

test("one that no spec notices survives, one that does not compile is not killed, and nothing is left", async () => {
  await using folder = await scratch();
  await mutantsIn(folder.path, {
    broken: `${head("nothing", "attach/hello.spec.ts")}${broken}`,
    harmless: `${head("nothing", "attach/hello.spec.ts")}${harmless}`,
  });
  const ran = await rexTest(["mutants"], { env: { REX_TEST_MUTANTS: folder.path }, limitMs: 10 * 60_000 });
  assert.equal(ran.code, 1, `${ran.stdout}${ran.stderr}`);
  assert.match(ran.stdout, /! error {4}broken: nothing/);
  assert.match(ran.stdout, /log\.c:2/);
  assert.match(ran.stdout, /✗ SURVIVED harmless: nothing/);
  assert.match(ran.stdout, /0 killed, 1 survived, 1 could not be tried/);
  assert.deepEqual(await leftovers(), []);
});

test("Ctrl-C ends guests and builds, and leaves nothing in the cache", async () => {
  await using folder = await scratch();
  await mutantsIn(folder.path, {
    first: `${head("nothing", "attach/hello.spec.ts")}${harmless}`,
    second: `${head("nothing", "attach/hello.spec.ts")}${harmless}`,
  });
  let sent = false;
  const ran = await rexTest(["mutants"], {
    env: { REX_TEST_MUTANTS: folder.path },
    limitMs: 10 * 60_000,
    onStderr: (text, signal) => {
      if (sent || !/1 of 2 first: (?:building|running)/.test(text)) return;
      sent = true;
      signal("SIGINT");
    },
  });
  assert.equal(ran.code, 130, `${ran.stdout}${ran.stderr}`);
  assert.match(ran.stderr, /interrupted by SIGINT/);
  assert.doesNotMatch(ran.stdout, /killed|SURVIVED/);
  assert.deepEqual(await leftovers(), []);
});
