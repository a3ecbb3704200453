// SPDX-License-Identifier: MIT
// The steps of the composite action, as GitHub would run them.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { repository, runCli } from "./support/cli.ts";
import { temporaryFolder } from "./support/images.ts";

test("ci keys gives GitHub what it prints", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "output");
  const ran = await runCli(["ci", "keys"], { env: { GITHUB_OUTPUT: file, REX_TEST_CI_CONFIG: "lockdep" } });
  assert.equal(ran.exitCode, 0, ran.stderr);
  assert.match(ran.stdout, /^kernel-key=rex-test-kernel-lockdep-[0-9a-f]{16}$/m);
  assert.equal(await readFile(file, "utf8"), ran.stdout);
});

test("ci run leaves all reports, annotations, a summary, and the exit code of the run", async () => {
  await using folder = await temporaryFolder();
  const reports = join(folder.path, "reports");
  const summary = join(folder.path, "summary.md");
  const env = {
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_WORKSPACE: repository,
    GITHUB_STEP_SUMMARY: summary,
    GITHUB_OUTPUT: join(folder.path, "output"),
    REX_TEST_CI_PATHS: "fixtures/projects/failing",
    REX_TEST_CI_CONFIG: "",
    REX_TEST_CI_SHARD: "",
    REX_TEST_CI_ARGUMENTS: "--filter 'dup of nothing'",
  };
  const ran = await runCli(["ci", "run", "--reports", reports], { env });
  assert.equal(ran.exitCode, 1, ran.stderr);
  assert.match(ran.stdout, /^::group::the kernel\n[\s\S]*^::endgroup::$/m);
  assert.match(ran.stdout, /^::error file=fixtures\/projects\/failing\/failing\.spec\.ts,line=\d+/m);
  assert.equal(await readFile(env.GITHUB_OUTPUT, "utf8"), "prepared=true\n");
  assert.match(await readFile(summary, "utf8"), /dup of nothing returns 3/);
  for (const name of ["report.html", "junit.xml", "events.jsonl"])
    assert.match(await readFile(join(reports, name), "utf8"), /dup of nothing returns 3/);
});

test("ci run that could not run anything says nothing of caches", async () => {
  await using folder = await temporaryFolder();
  const env = {
    GITHUB_OUTPUT: join(folder.path, "output"),
    REX_TEST_CI_ARGUMENTS: "--filter 'no such test'",
  };
  const ran = await runCli(["ci", "run", "fixtures/projects/failing", "--reports", folder.path], { env });
  assert.equal(ran.exitCode, 2, ran.stderr);
  await assert.rejects(readFile(env.GITHUB_OUTPUT, "utf8"));
});

test("the action calls only commands that there are, and passes on what it has inputs for", async () => {
  const action = await readFile(join(repository, ".github/actions/rex-test/action.yml"), "utf8");
  const steps = [...action.matchAll(/run: npx --no rex-test ci (\w+)$/gm)].map(([, name]) => name ?? "");
  assert.deepEqual(steps, ["keys", "setup", "run"]);
  assert.equal(action.match(/^ +run: /gm)?.length, steps.length, "all shell is in the CLI");
  const variables = new Set(action.match(/REX_TEST_CI_\w+/g));
  const command = await readFile(join(repository, "runner/cli/commands/ci.ts"), "utf8");
  for (const variable of variables) assert.ok(command.includes(`"${variable}"`), variable);
});
