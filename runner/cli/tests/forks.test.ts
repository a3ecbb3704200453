// SPDX-License-Identifier: MIT
// Guests that are forked: from the third of a kind on, each alone, and gone with their runner. Where QEMU can't be forked, and when the
// one that is forked ends, tests get clones.
import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import {
  type CliOptions,
  type CliResult,
  childrenOf,
  qemuBelow,
  runCli,
  startCli,
  survivors,
} from "./support/cli.ts";
import { temporaryFolder } from "./support/images.ts";

const project = ["run", "fixtures/projects/forked", "--accel", "tcg", "--jobs", "1"];

/** Its result, and where its guests came from, in the order of the tests. */
async function run(
  options: CliOptions = {},
  ...args: readonly string[]
): Promise<CliResult & { readonly origins: readonly string[] }> {
  await using folder = await temporaryFolder();
  const events = join(folder.path, "events.jsonl");
  const result = await runCli(
    [...project, "--reporter", "pretty", "--reporter", `jsonl=${events}`, ...args],
    options,
  );
  const lines = (await readFile(events, "utf8")).trim().split("\n");
  const parsed = lines.map((line): Record<string, unknown> => JSON.parse(line));
  const running = parsed.filter(({ event }) => event === "test-running");
  return { ...result, origins: running.map(({ origin }) => String(origin)) };
}

function assertPassed(result: CliResult): void {
  assert.equal(result.exitCode, 0, result.stdout + result.stderr);
  assert.match(result.stdout, /5 passed, 0 failed/);
}

before(async () => assertPassed(await run()));

test("the first guests of a kind are cloned, the others forked", async () => {
  const result = await run();
  assertPassed(result);
  assert.deepEqual(result.origins, ["clone", "clone", "fork", "fork", "fork"]);
  assert.doesNotMatch(result.stderr, /cloned, not forked/);
});

test("--guests clone forks none", async () => {
  const result = await run({}, "--guests", "clone");
  assertPassed(result);
  assert.deepEqual(new Set(result.origins), new Set(["clone"]));
});

test("without a C compiler guests are cloned, and the reader is told", async () => {
  await using folder = await temporaryFolder();
  const compiler = join(folder.path, "cc");
  await writeFile(compiler, "#!/bin/sh\necho no compiler here >&2\nexit 1\n");
  await chmod(compiler, 0o755);
  const result = await run({ env: { PATH: `${folder.path}:${process.env["PATH"]}` } });
  assertPassed(result);
  assert.deepEqual(new Set(result.origins), new Set(["clone"]));
  assert.match(result.stderr, /guests are cloned, not forked: .*cc/);
});

/** A runner with guests that were forked, in the last test, which goes on without end. */
async function withForks() {
  const cli = startCli(["run", "fixtures/projects/forked-endless", "--accel", "tcg", "--jobs", "1"]);
  await cli.printed("test-is-running");
  const machines = await qemuBelow(cli.child.pid ?? 0);
  const forked = (await Promise.all(machines.map(childrenOf))).flat();
  assert.ok(forked.length > 0, "there should be a machine that was forked");
  return { cli, machines, forked };
}

test("SIGKILL of the runner leaves no fork", async () => {
  const { cli, machines } = await withForks();
  const pid = cli.child.pid ?? 0;
  const [runner = pid] = (await childrenOf(pid)).filter((child) => !machines.includes(child));
  process.kill(runner, "SIGKILL");
  await cli.result;
  assert.deepEqual(await survivors(machines, 2_000), []);
});

test("the end of a fork is the infrastructure's failure, and says how it ended", async () => {
  const { cli, forked } = await withForks();
  for (const pid of forked) process.kill(pid, "SIGKILL");
  const result = await cli.result;
  assert.equal(result.exitCode, 2, result.stdout + result.stderr);
  assert.match(result.stdout, /QEMU was ended by SIGKILL/);
});

test("the end of the machine that is forked ends its guests, and the next ones are cloned", async () => {
  const { cli, machines, forked } = await withForks();
  for (const pid of machines.filter((machine) => !forked.includes(machine))) process.kill(pid, "SIGKILL");
  const result = await cli.result;
  assert.equal(result.exitCode, 2, result.stdout + result.stderr);
  assert.match(result.stdout, /QEMU was ended by SIGKILL/);
  assert.match(result.stderr, /guests are cloned, not forked/);
  assert.match(result.stdout, /✓ .*the guest after it answers/);
});
