// SPDX-License-Identifier: MIT
// Which tests a run takes. --list says so without a guest.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { repository, runCli, runProject } from "./support/cli.ts";
import { temporaryFolder } from "./support/images.ts";

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
  assert.match(
    stdout,
    /rexTest\("asks for a screen"\): there is no permission "screen"; there are hostTools, net, disk, user/,
  );
});

test("--last-failed runs what did not pass, until nothing is left", async () => {
  await using folder = await temporaryFolder();
  const project = async (name: string) => {
    await cp(join(repository, "fixtures/projects", name), join(folder.path, name), { recursive: true });
  };
  await mkdir(join(folder.path, "node_modules"));
  await symlink(repository, join(folder.path, "node_modules/rex-test"));
  await project("syntax-error");
  await project("tagged");
  const run = (...args: readonly string[]) =>
    runCli(["run", ".", "--last-failed", ...args], { cwd: folder.path });
  const never = await run();
  assert.equal(never.exitCode, 2);
  assert.match(never.stderr, /there is no last run[\s\S]*rex-test run, in this folder/);
  // A file that can't be read fails without a guest.
  await runCli(["run", "syntax-error/broken.spec.ts"], { cwd: folder.path });
  await cp(join(folder.path, "tagged/tagged.spec.ts"), join(folder.path, "syntax-error/broken.spec.ts"));
  const again = await run("--list", "--tags", "slow");
  assert.equal(again.exitCode, 0, again.stderr);
  assert.deepEqual(again.stdout.trim().split("\n"), [
    "syntax-error/broken.spec.ts > two",
    "syntax-error/broken.spec.ts > three",
  ]);
  await writeFile(join(folder.path, "artifacts/.last-run.json"), '{ "version": 1, "notPassed": [] }');
  const nothing = await run();
  assert.equal(nothing.exitCode, 2);
  assert.match(nothing.stderr, /nothing failed in the last run/);
});

test("--changed takes specs that differ from a commit, all when it can't tell, and none is no failure", async () => {
  await using folder = await temporaryFolder();
  const git = promisify(execFile);
  const commit = async () => {
    await git("git", ["add", "-A"], { cwd: folder.path });
    const who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    await git("git", [...who, "commit", "-qm", "x"], { cwd: folder.path });
  };
  for (const name of ["tagged", "failing"])
    await cp(join(repository, "fixtures/projects", name), join(folder.path, name), { recursive: true });
  await mkdir(join(folder.path, "node_modules"));
  await symlink(repository, join(folder.path, "node_modules/rex-test"));
  await writeFile(join(folder.path, ".gitignore"), "node_modules\n");
  await git("git", ["init", "-q"], { cwd: folder.path });
  await commit();
  const run = (...args: readonly string[]) => runCli(["run", "--list", ...args], { cwd: folder.path });

  const none = await run("--changed", ".");
  assert.equal(none.exitCode, 0, none.stderr);
  assert.equal(none.stdout, "");
  assert.match(none.stderr, /--changed: 0 of 2 spec files differ from HEAD/);

  await appendFile(join(folder.path, "tagged/tagged.spec.ts"), "// changed\n");
  const one = await run("--changed", ".");
  assert.match(one.stdout, /tagged\.spec\.ts > one/);
  assert.doesNotMatch(one.stdout, /failing/);
  await commit();
  assert.equal((await run("--changed", ".")).stdout, "");
  assert.match((await run("--changed=HEAD~1", ".")).stdout, /tagged\.spec\.ts > one/);

  await writeFile(join(folder.path, "package.json"), "{}");
  const all = await run("--changed", ".");
  assert.match(all.stdout, /failing\.spec\.ts/);
  assert.match(all.stderr, /all specs are taken, because of package\.json/);

  const wrong = await run("--changed=nosuch", ".");
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /--changed=nosuch: git can't say what changed[\s\S]*--changed=REF/);
});

for (const [args, words] of [
  [["--tags", "a b"], /--tags a b: "a b" is not a tag[\s\S]*joined by commas/],
  [["--shard", "3/2"], /--shard 3\/2 is not a part of a whole[\s\S]*--shard 2\/5/],
  [["--shuffle=x"], /a seed is a whole number/],
  [["--fail-fast=0"], /a whole number, 1 or more/],
  [["--retry", "-1"], /a whole number from 0/],
  [["--repeats", "many"], /a whole number from 0/],
  [["--watch"], /--watch needs a terminal[\s\S]*--changed/],
  [["--pause-on-failure"], /--pause-on-failure needs a terminal[\s\S]*rex-test rerun/],
  [["--watch", "--list"], /--watch and --list don't go together/],
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
