// SPDX-License-Identifier: MIT
// Which tests a run takes. --list says so without a guest.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runCli, runProject } from "./support/cli.ts";

async function listed(project: string, ...args: readonly string[]): Promise<string[]> {
  const { exitCode, stdout, stderr } = await runProject(project, "--list", ...args);
  assert.equal(exitCode, 0, stderr);
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.replace(/^.* > /, ""));
}

test("--tags takes tests with one of the tags, without those with a !", async () => {
  assert.deepEqual(await listed("tagged"), ["one", "two", "three", "four", "five  (ignored)"]);
  assert.deepEqual(await listed("tagged", "--tags", "net"), ["one", "two"]);
  assert.deepEqual(await listed("tagged", "--tags", "net,slow,!odd"), ["one", "two", "three"]);
  assert.deepEqual(await listed("tagged", "--tags", "!slow"), ["one", "four", "five  (ignored)"]);
});

test("--shard takes a part of what the other options leave, and all parts together are all of it", async () => {
  assert.deepEqual(await listed("tagged", "--shard", "1/2"), ["one", "three", "five  (ignored)"]);
  assert.deepEqual(await listed("tagged", "--shard", "2/2"), ["two", "four"]);
  assert.deepEqual(await listed("tagged", "--shard", "2/2", "--shuffle"), ["two", "four"]);
  assert.deepEqual(await listed("tagged", "--shard", "2/2", "--tags", "slow"), ["three"]);
  assert.deepEqual(await listed("tagged", "--shard", "1/2", "--filter", "/^t/"), ["two"]);
});

test("a test left out by another that is marked only is listed as ignored", async () => {
  assert.deepEqual(await listed("left-behind"), ["alone", "left out  (ignored)"]);
});

test("options that leave no test are said so", async () => {
  const { exitCode, stderr } = await runProject("tagged", "--tags", "net", "--shard", "3/3");
  assert.equal(exitCode, 2);
  assert.match(stderr, /no test matches --tags net --shard 3\/3/);
  assert.match(stderr, /--list/);
});

test("a test marked only fails a run in CI, before anything is prepared, and names the test", async () => {
  const { exitCode, stdout } = await runCli(["run", "fixtures/projects/left-behind"], {
    env: { CI: "true" },
  });
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /rexTest\("alone"\) is marked only/);
  assert.match(stdout, /Take the mark away/);
});

test("a permission that there is not is named with those that there are", async () => {
  const { exitCode, stdout } = await runProject("surface/mistakes.spec.ts");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /rexTest\("asks for a disk"\): there is no permission "disk"; there are hostTools/);
});

for (const [args, words] of [
  [["--tags", "a b"], /--tags a b: "a b" is not a tag[\s\S]*joined by commas/],
  [["--shard", "3/2"], /--shard 3\/2 is not a part of a whole[\s\S]*--shard 2\/5/],
  [["--shuffle=x"], /a seed is a whole number/],
  [["--fail-fast=0"], /a whole number, 1 or more/],
  [["--retry", "-1"], /a whole number from 0/],
  [["--repeats", "many"], /a whole number from 0/],
  [["--list", "--no-run"], /--list and --no-run are different things/],
  [["--kernel", "a", "--kernel-tree", "b"], /--kernel and --kernel-tree both say which kernel/],
  [["--kernel-tree", "no/such/tree"], /no such kernel source[\s\S]*no\/such\/tree/],
  [["--kernel-tree", "docs"], /this directory is not a Linux kernel tree/],
] as const) {
  test(`a mistake in the command line is exit code 2: run ${args.join(" ")}`, async () => {
    const { exitCode, stdout, stderr } = await runProject("tagged", ...args);
    assert.equal(exitCode, 2, stdout);
    assert.equal(stdout, "");
    assert.match(stderr, words);
  });
}
