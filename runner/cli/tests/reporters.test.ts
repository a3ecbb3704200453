// SPDX-License-Identifier: MIT
// Reporters, several at once, and running a failure again.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { repository, runCli, runProject } from "./support/cli.ts";
import { type TemporaryFolder, temporaryFolder } from "./support/images.ts";
import { startOnTerminal } from "./support/terminal.ts";

const mixed = join(repository, "fixtures/projects/mixed/mixed.spec.ts");

/** A project of its own, with artifacts of its own. */
async function copyOfMixed(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  await writeFile(join(folder.path, "mixed.spec.ts"), await readFile(mixed));
  await mkdir(join(folder.path, "node_modules"));
  await symlink(repository, join(folder.path, "node_modules/rex-test"));
  return folder;
}

test("several reporters at once, each with its own file", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, "new", name);
  const files = [
    "junit=out.xml",
    "tap=out.tap",
    "ktap=out.ktap",
    "jsonl=out.jsonl",
    "html=out.html",
    "dot=out.dot",
  ];
  const flags = files.flatMap((one) => {
    const [name = "", file = ""] = one.split("=");
    return ["--reporter", `${name}=${at(file)}`];
  });
  const summary = join(folder.path, "summary.md");
  const { exitCode, stdout, stderr } = await runCli(
    ["run", "fixtures/projects/mixed", "--reporter", "pretty", "--reporter", "github", ...flags],
    { env: { GITHUB_STEP_SUMMARY: summary, GITHUB_WORKSPACE: undefined } },
  );
  assert.equal(exitCode, 64, stderr);
  assert.match(stdout, /1 passed, 1 failed, 1 kernel crashed/);
  assert.match(stdout, /^::error file=fixtures\/projects\/mixed\/mixed\.spec\.ts,line=7,col=15,title=/m);
  assert.match(await readFile(summary, "utf8"), /\| ☠ kernel crashed \| 1 \|/);
  assert.deepEqual((await readdir(join(folder.path, "new"))).sort(), [
    "out.dot",
    "out.html",
    "out.jsonl",
    "out.ktap",
    "out.tap",
    "out.xml",
  ]);
  assert.match(await readFile(at("out.tap"), "utf8"), /^TAP version 14\n[\s\S]*\n1\.\.3\n$/);
  assert.match(
    await readFile(at("out.ktap"), "utf8"),
    /^KTAP version 1\n1\.\.2\n[\s\S]*\nnot ok 1 fixtures.*\nok 2 run\n$/,
  );
  assert.match(await readFile(at("out.xml"), "utf8"), /tests="3" failures="1" errors="1"/);
  assert.match(
    await readFile(at("out.html"), "utf8"),
    /^<!doctype html>[\s\S]*sysrq triggered crash[\s\S]*<\/html>\n$/,
  );
  const events = (await readFile(at("out.jsonl"), "utf8")).trimEnd().split("\n");
  const last: unknown = JSON.parse(events.at(-1) ?? "");
  assert.equal(Reflect.get(Object(last), "event"), "run-end");
});

test("a file that can't be written ends the run before it begins", async () => {
  const { exitCode, stdout, stderr } = await runProject("mixed", "--reporter", "tap=/proc/out.tap");
  assert.equal(exitCode, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /the tap reporter can't write its file \(ENOENT\)\n {2}where: \/proc\/out\.tap/);
});

test("a disk that is full costs one report, not the results", async () => {
  const { exitCode, stdout, stderr } = await runProject(
    "mixed",
    ...["--filter", "passes", "--reporter", "pretty", "--reporter", "junit=/dev/full"],
  );
  assert.match(stdout, /1 passed, 0 failed/);
  assert.match(stderr, /the junit reporter can't write its file \(ENOSPC\)/);
  assert.equal(exitCode, 2);
});

test("reporters that would garble each other, and ones that there are not, are refused", async () => {
  const both = await runProject("mixed", "--reporter", "pretty", "--reporter", "tap");
  assert.equal(both.exitCode, 2);
  assert.match(both.stderr, /pretty and tap would write into each other's text/);
  assert.match(both.stderr, /--reporter tap=FILE/);
  const none = await runProject("mixed", "--reporter", "nyan");
  assert.equal(none.exitCode, 2);
  assert.match(none.stderr, /there is no reporter "nyan"; there are pretty, dot, tap/);
});

test("a terminal shows what is going on: the queue and the guests in use", async () => {
  const cli = startOnTerminal(["run", "fixtures/projects/failing", "--jobs", "1"], repository);
  const live = await cli.shows(/\d of 3 ended {2}.* queued {2}1 of 1 guests/);
  assert.ok(live.includes("\u001b[?7l"), "lines are redrawn");
  const all = await cli.shows(/1 passed, 2 failed, 1 ignored/);
  // The last thing on the screen is the summary.
  assert.match(all.slice(all.lastIndexOf("\u001b[J")), /1 passed, 2 failed, 1 ignored/);
  assert.equal(await cli.exitCode, 1);
});

test("colours are forced and forbidden by the environment", async () => {
  const filter = ["run", "fixtures/projects/mixed", "--filter", "passes"];
  const forced = await runCli(filter, { env: { NO_COLOR: undefined, FORCE_COLOR: "1" } });
  assert.ok(forced.stdout.includes("\u001b[32m✓"), forced.stdout);
  const forbidden = await runCli(filter, { env: { NO_COLOR: "1", FORCE_COLOR: "1" } });
  assert.ok(!forbidden.stdout.includes("\u001b"));
});

test("a failure is run again with the settings that it had", async () => {
  await using folder = await copyOfMixed();
  const options = { cwd: folder.path };
  const first = await runCli(["run", "mixed.spec.ts", "--guests", "boot", "--timeout", "20000"], options);
  assert.equal(first.exitCode, 64, first.stderr);
  const id = /KERNEL CRASHED[\s\S]*?rex-test rerun ([0-9a-f]{8})$/m.exec(first.stdout)?.[1];
  assert.ok(id, first.stdout);

  const list = await runCli(["rerun"], options);
  assert.match(list.stdout, new RegExp(`^${id} .*kernel crashed +mixed\\.spec\\.ts > crashes$`, "m"));

  const again = await runCli(["rerun", id.slice(0, 6)], options);
  assert.equal(again.exitCode, 64, again.stderr);
  assert.match(again.stdout, /0 passed, 0 failed, 1 kernel crashed/);
  const [run = ""] = (await readdir(join(folder.path, "artifacts")))
    .filter((name) => /^\d/.test(name))
    .sort()
    .slice(-1);
  const [kept = ""] = await readdir(join(folder.path, "artifacts", run));
  const artifacts = join(folder.path, "artifacts", run, kept);
  const record: unknown = JSON.parse(await readFile(join(artifacts, "failure.json"), "utf8"));
  const settings = Reflect.get(Object(record), "settings");
  assert.equal(settings.guests, "boot");
  assert.equal(settings.timeoutMs, 20_000);
  assert.match(await readFile(join(artifacts, "qmp.log"), "utf8"), /qmp_capabilities/);
});

test("an id that nobody knows is said to be one", async () => {
  await using folder = await temporaryFolder();
  const options = { cwd: folder.path };
  const unknown = await runCli(["rerun", "0123abcd"], options);
  assert.equal(unknown.exitCode, 2);
  assert.match(unknown.stderr, /no failure with the id 0123abcd is known here/);
  const list = await runCli(["rerun"], options);
  assert.equal(list.exitCode, 0);
  assert.match(list.stdout, /no failures are known here/);
});
