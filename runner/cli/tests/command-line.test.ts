// SPDX-License-Identifier: MIT
// The command line itself: help, mistakes, the doctor's list, the cache.
import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { rexTest, scratch } from "./command.ts";

test("without arguments and with --help: what there is", async () => {
  for (const args of [[], ["--help"]]) {
    const ran = await rexTest(args);
    assert.equal(ran.code, 0);
    for (const name of ["run", "doctor", "kernel", "cache"])
      assert.match(ran.stdout, new RegExp(`^ {2}${name} `, "m"));
  }
  const kernel = await rexTest(["kernel", "--help"]);
  assert.equal(kernel.code, 0);
  for (const name of ["build", "path", "list", "clean"])
    assert.match(kernel.stdout, new RegExp(`^ {2}${name}\\b`, "m"));
});

test("the version is the package's", async () => {
  const ran = await rexTest(["--version"]);
  assert.equal(ran.code, 0);
  assert.match(ran.stdout, /^\d+\.\d+\.\d+$/m);
});

for (const [args, words] of [
  [["nosuch"], /unknown command 'nosuch'/],
  [["kernel", "biuld"], /unknown command 'biuld'[\s\S]*build/],
  [["kernel", "build", "--jobs", "many"], /a whole number from 1 on is expected/],
  [["run", "--kernel", "a", "--config", "lockdep"], /--kernel and --config both say which kernel/],
  [
    ["run", "fixtures/projects/failing", "--config", "nosuch"],
    /no kernel config named "nosuch"[\s\S]*lockdep/,
  ],
  [["cache", "clear", "everything"], /Allowed choices are kernels/],
  [["doctor", "--fixx"], /unknown option '--fixx'[\s\S]*--fix/],
] as const) {
  test(`a mistake in the command line is exit code 2: ${args.join(" ")}`, async () => {
    const ran = await rexTest(args);
    assert.equal(ran.code, 2);
    assert.equal(ran.stdout, "");
    assert.match(ran.stderr, words);
  });
}

test("the doctor's list as JSON names every requirement with its state", async () => {
  const ran = await rexTest(["doctor", "--json"]);
  const list: unknown = JSON.parse(ran.stdout);
  assert.ok(Array.isArray(list));
  const gcc: unknown = list.find((entry: { readonly id?: string }) => entry.id === "gcc");
  assert.ok(typeof gcc === "object" && gcc !== null);
  assert.equal(Reflect.get(gcc, "kind"), "present");
  assert.match(String(Reflect.get(gcc, "version")), /^\d+\.\d+/);
});

test("doctor --only-needed leaves out what is for the checks and tests of rex-test itself", async () => {
  const ran = await rexTest(["doctor", "--json", "--only-needed"]);
  const list = JSON.parse(ran.stdout) as { readonly id: string; readonly level: string }[];
  assert.ok(list.some(({ id }) => id === "qemu"));
  assert.deepEqual([...new Set(list.map(({ level }) => level))], ["needed"]);
});

test("a doctor that finds nothing on PATH says so and installs nothing by itself", async () => {
  await using folder = await scratch();
  const ran = await rexTest(["doctor"], { env: { PATH: folder.path, REX_TEST_CACHE: folder.path } });
  assert.equal(ran.code, 2);
  assert.match(ran.stdout, /^missing +gcc/m);
  assert.match(ran.stdout, /requirements missing: rex-test doctor --fix/);
});

test("cache clear removes the cache's own sections and nothing else", async () => {
  await using folder = await scratch();
  for (const name of ["kernels/a", "ccache", "holiday-photos"])
    await mkdir(join(folder.path, name), { recursive: true });
  await writeFile(join(folder.path, "holiday-photos/1.jpg"), "");
  const env = { REX_TEST_CACHE: folder.path };
  assert.match((await rexTest(["cache", "list"], { env })).stdout, /^kernels +1/m);
  assert.equal((await rexTest(["cache", "clear", "kernels"], { env })).code, 0);
  assert.deepEqual((await readdir(folder.path)).sort(), ["ccache", "holiday-photos"]);
  assert.equal((await rexTest(["cache", "clear"], { env })).code, 0);
  assert.deepEqual(await readdir(join(folder.path, "holiday-photos")), ["1.jpg"]);
});

test("a cache that can't be written is said plainly", async () => {
  const ran = await rexTest(["kernel", "build", "--config", "orc"], {
    env: { REX_TEST_CACHE: "/dev/null/rex-test" },
  });
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /cannot create a folder of the cache \(ENOTDIR\)[\s\S]*set REX_TEST_CACHE/);
});
