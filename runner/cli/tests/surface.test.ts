// SPDX-License-Identifier: MIT
// What a spec may write and what a run may be asked for, on real guests.
import assert from "node:assert/strict";
import { cp, mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { repository, runCli, runProject } from "./support/cli.ts";
import { type TemporaryFolder, temporaryFolder } from "./support/images.ts";

test("hooks run around each test with its guest, once around the file, and their failures are theirs", async () => {
  const { exitCode, stdout } = await runProject("hooks");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /^order: beforeAll, beforeEach with a guest, test, first, second$/m);
  assert.match(
    stdout,
    /HOOKS FAILED {2}\S+failing-before-all\.spec\.ts\n {2}the beforeAll hook failed: nothing is there/,
  );
  assert.match(stdout, /passes but for its hook\n {2}in step afterEach hook\n {2}the hook's own/);
  assert.match(
    stdout,
    /fails, and then its hook\n {2}the test's own\n {2}an afterEach hook failed as well: the hook's own/,
  );
  assert.match(stdout, /is not begun\n {2}in step beforeEach hook\n {2}not set up/);
  assert.doesNotMatch(stdout, /it was run/);
  assert.match(stdout, /0 passed, 5 failed, 1 never ran/);
});

test("soft assertions, forgotten steps, attachments and reasons to ignore", async () => {
  const { exitCode, stdout } = await runProject("surface/surface.spec.ts");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /it went on/);
  assert.match(stdout, /the first: expected 1 to be 2[\s\S]*the second: expected 'a' to be 'b'/);
  assert.match(stdout, /the step "inner" was still running at the end of "outer"/);
  assert.match(stdout, /ignored: waits for a fix/);
  assert.match(stdout, /is skipped {2}ignored: its skipIf holds here/);
  assert.match(stdout, /2 passed, 3 failed, 2 ignored/);
  const kept = [...stdout.matchAll(/^ {2}kept {3}(artifacts\/\S+attachments\/\S+)$/gm)].map(
    ([, path]) => path ?? "",
  );
  assert.equal(kept.length, 3, stdout);
  const numbers = kept.find((path) => path.endsWith("/numbers")) ?? "";
  assert.deepEqual(JSON.parse(await readFile(join(repository, numbers), "utf8")), ["1", 2]);
});

test("--retry gives a test further guests, and one that passes at last is flaky", async () => {
  const { exitCode, stdout } = await runProject("flaky", "--retry", "2");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /✓ \S+ > fails once .*flaky, attempt 2 {2}attempts: failed, passed$/m);
  assert.match(stdout, /✗ \S+ > fails always .*attempts: failed, failed$/m);
  assert.match(stdout, /✗ \S+ > is not tried again {2}\d+ ms(?:, boot \d+ ms)?$/m);
  assert.match(stdout, /✗ \S+ > passes thrice, not four times .*attempts: passed, passed, passed, failed$/m);
  assert.match(stdout, /1 passed, 3 failed \(1 flaky\) in/);
});

test("a flaky test is a passed one, and --repeats has every run pass", async () => {
  const once = ["run", "fixtures/projects/flaky", "--filter", "fails once"];
  const flaky = await runCli([...once, "--retry", "1"]);
  assert.equal(flaky.exitCode, 0, flaky.stdout);
  const repeated = await runCli([...once, "--repeats", "2"]);
  assert.equal(repeated.exitCode, 1, repeated.stdout);
  assert.match(repeated.stdout, /attempts: failed, passed, passed/);
});

test("--fail-fast ends the run, and what it cut off never ran", async () => {
  const { exitCode, stdout } = await runProject("failing", "--fail-fast", "--jobs", "1");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /0 passed, 1 failed, 2 never ran, 1 ignored/);
  assert.match(stdout, /stopped: the run ended at the first failure \(--fail-fast\)/);
});

test("--shuffle gives the order that its seed stands for, and says the seed", async () => {
  const order = async (...args: readonly string[]) => {
    const { exitCode, stdout } = await runProject("tagged", "--jobs", "1", ...args);
    assert.equal(exitCode, 0, stdout);
    const names = [...stdout.matchAll(/^✓ .* > (\w+)/gm)].map(([, name]) => name);
    return { names, seed: /shuffled \(--shuffle=(\d+)\)/.exec(stdout)?.[1] };
  };
  const { names, seed } = await order("--shuffle=3");
  assert.equal(seed, "3");
  assert.notDeepEqual(names, ["one", "two", "three", "four"]);
  assert.deepEqual(names.toSorted(), ["four", "one", "three", "two"]);
  assert.deepEqual((await order("--shuffle=3")).names, names);
  assert.match((await order("--shuffle")).seed ?? "", /^\d+$/);
});

test("--no-run prepares and runs nothing", async () => {
  const { exitCode, stdout } = await runProject("broken-program", "--no-run");
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^ready: 2 tests in 1 spec file, 2 programs, on /m);
  const mistaken = await runProject("surface", "--no-run");
  assert.equal(mistaken.exitCode, 1);
  assert.match(mistaken.stderr, /mistakes\.spec\.ts could not be loaded/);
});

/** The project in a folder of its own, because its snapshots are written beside its spec. */
async function snapshotProject(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  await cp(join(repository, "fixtures/projects/snapshots"), folder.path, { recursive: true });
  await mkdir(join(folder.path, "node_modules"));
  await symlink(repository, join(folder.path, "node_modules/rex-test"));
  return folder;
}

test("snapshots: written at first, compared then, updated when asked; in CI a missing one is a failure", async () => {
  await using folder = await snapshotProject();
  const run = (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
    runCli(["run", ".", ...args], { cwd: folder.path, env: { CI: "", ...env } });
  const inCi = await run({ CI: "1" });
  assert.equal(inCi.exitCode, 1, inCi.stdout + inCi.stderr);
  assert.match(inCi.stdout, /Snapshot `is what it was 1` mismatched/);
  assert.equal((await run({})).exitCode, 0);
  const file = join(folder.path, "__snapshots__/snapshots.spec.ts.snap");
  assert.match(await readFile(file, "utf8"), /"uid": 1,/);
  const differs = await run({ CI: "1", SNAPSHOT_VALUE: "7" });
  assert.equal(differs.exitCode, 1);
  assert.match(differs.stdout, /1 passed, 1 failed in/);
  const updated = await run({ SNAPSHOT_VALUE: "7" }, "--update-snapshots");
  assert.equal(updated.exitCode, 0, updated.stdout);
  assert.match(await readFile(file, "utf8"), /"uid": 7,/);
});

test("a test that names a kernel is run on that one, with its guests and its compiler", async () => {
  await using folder = await temporaryFolder();
  const { stdout: path } = await runCli(["kernel", "path"]);
  const other = join(folder.path, "another-kernel");
  await symlink(path.trim(), other);
  const { exitCode, stdout, stderr } = await runProject("kernels/kernels.spec.ts", "--kernel", other);
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stdout, /^of the run: another-kernel$/m);
  assert.match(stdout, /^named: \d+\.\d+\S*-default-\w+$/m);
});

test("a kernel that a test names and that there is not is answered with those that there are", async () => {
  const { exitCode, stderr } = await runProject("kernels/unknown.spec.ts");
  assert.equal(exitCode, 2);
  assert.match(stderr, /there is no kernel config named "nosuch"[\s\S]*lockdep/);
});
