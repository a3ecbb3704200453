// SPDX-License-Identifier: MIT
// What a user may get wrong before any guest is needed: each gets a sentence and a way out, and nothing is passed over.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { runCli, runProject } from "./support/cli.ts";
import { temporaryFolder } from "./support/images.ts";

test("a syntax error fails its spec with the place; the other specs run", async () => {
  const { exitCode, stdout } = await runProject("syntax-error");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /NOT LOADED {2}fixtures\/projects\/syntax-error\/broken\.spec\.ts/);
  assert.match(stdout, /broken\.spec\.ts:\d+:\d+/);
  assert.match(stdout, /1 passed, 1 failed/);
});

test("a spec that throws while it is loaded is a failure", async () => {
  const { exitCode, stdout } = await runProject("throwing");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /thrown while the file was loaded/);
});

test("a folder without specs is said to be one", async () => {
  const { exitCode, stderr } = await runProject("empty");
  assert.equal(exitCode, 2);
  assert.match(stderr, /no specs found/);
  assert.match(stderr, /\*\.spec\.ts/);
});

test("a spec without tests is said to be one", async () => {
  const { exitCode, stderr } = await runProject("no-tests");
  assert.equal(exitCode, 2);
  assert.match(stderr, /contain no tests/);
});

test("a path that does not exist is named", async () => {
  const { exitCode, stderr } = await runCli(["run", "no/such/folder"]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /there is no file or folder "no\/such\/folder"/);
});

test("a filter that matches nothing is said so, with the way to all names", async () => {
  const { exitCode, stderr } = await runProject("failing", "--filter", "no such name");
  assert.equal(exitCode, 2);
  assert.match(stderr, /no test matches --filter no such name/);
  assert.match(stderr, /--list/);
});

test("--list prints the names and starts no guest", async () => {
  const { exitCode, stdout } = await runProject("failing", "--list");
  assert.equal(exitCode, 0);
  assert.deepEqual(stdout.trim().split("\n"), [
    "fixtures/projects/failing/failing.spec.ts > dup of nothing returns 3",
    "fixtures/projects/failing/failing.spec.ts > getpid returns something",
    "fixtures/projects/failing/failing.spec.ts > does not end",
    "fixtures/projects/failing/failing.spec.ts > would fail too  (ignored)",
  ]);
});

test("without a kernel the hint says how to make one", async () => {
  await using folder = await temporaryFolder();
  const { exitCode, stderr } = await runProject("failing", "--kernel", folder.path);
  assert.equal(exitCode, 2);
  assert.match(stderr, /there is no kernel in this folder/);
  assert.match(stderr, /rex-test kernel build/);
});

test("without QEMU the hint says how to get it", async () => {
  const { exitCode, stderr } = await runCli(["run", "fixtures/projects/failing"], {
    env: { PATH: "/nowhere" },
  });
  assert.equal(exitCode, 2, stderr);
  assert.match(stderr, /qemu-system-x86_64 is not installed/);
  assert.match(stderr, /rex-test doctor --fix/);
});

test("the JUnit report names the spec, its duration, and has the splat of a crash", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "out.xml");
  const { exitCode, stdout, stderr } = await runProject("mixed", "--reporter", "junit", "--junit-path", path);
  assert.equal(exitCode, 64, stderr);
  assert.equal(stdout, "");
  const xml = await readFile(path, "utf8");
  assert.match(
    xml,
    /<testsuite name="fixtures\/projects\/mixed\/mixed\.spec\.ts" tests="3" failures="1" errors="1"/,
  );
  assert.match(xml, /<testcase [^>]*name="passes" time="[\d.]+"/);
  assert.match(xml, /<error message="kernel crashed: [Kk]ernel panic[^>]*type="kernel-crashed"/);
  assert.match(xml, /sysrq triggered crash/);
});
