// SPDX-License-Identifier: MIT
// A run that is ended from outside, at each of its stages: with the exit code of the signal, and with nothing left behind. While tests
// run: endings.test.ts.
import assert from "node:assert/strict";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type CliOptions, childrenOf, type RunningCli, startCli, survivors } from "./support/cli.ts";
import { silentInit, type TemporaryFolder, temporaryFolder } from "./support/images.ts";
import { type OwnCache, ownCache } from "./support/own-cache.ts";
import { ownQemu } from "./support/own-qemu.ts";

const signals = { SIGINT: 130, SIGTERM: 143, SIGKILL: null } as const;
const endLimitMs = 10_000;

interface Stage {
  readonly args: readonly string[];
  readonly options: CliOptions;
  /** Resolves when the stage has been reached. */
  readonly reached: (cli: RunningCli) => Promise<unknown>;
}

/** A script that says that it was started and then goes on for ever. */
async function endless(path: string): Promise<string> {
  await writeFile(path, "#!/bin/sh\necho the-script-runs\nexec sleep 1000\n");
  await chmod(path, 0o755);
  return path;
}

const stages: Readonly<Record<string, (folder: TemporaryFolder, cache: OwnCache) => Promise<Stage>>> = {
  "while programs are compiled": async (folder, cache) => ({
    args: ["run", "fixtures/projects/broken-program"],
    options: { env: { ...cache.env, REX_TEST_CARGO_REX: await endless(join(folder.path, "cargo-rex")) } },
    reached: (cli) => cli.printed("the-script-runs"),
  }),
  "while a snapshot is made": async (folder, cache) => {
    const qemu = await ownQemu(
      folder.path,
      `case "$*" in *share=on*) : > ${folder.path}/reached; exec sleep 1000;; esac`,
    );
    return {
      args: ["run", "fixtures/projects/cloned", "--accel", "tcg"],
      options: { env: { ...cache.env, ...qemu } },
      reached: () => appears(folder.path, "reached"),
    };
  },
  "while guests boot": async (folder, cache) => {
    const qemu = await ownQemu(folder.path, `: > ${folder.path}/reached`);
    return {
      args: ["run", "fixtures/projects/cloned", "--accel", "tcg", "--guests", "boot"],
      options: { env: { ...cache.env, ...qemu, REX_TEST_AGENT: await silentInit(folder.path) } },
      reached: () => appears(folder.path, "reached"),
    };
  },
  "while reports are written": async (folder, cache) => {
    await endless(join(folder.path, "objdump"));
    const script = await readFile(join(folder.path, "objdump"), "utf8");
    await writeFile(
      join(folder.path, "objdump"),
      script.replace("echo the-script-runs", `: > ${folder.path}/reached`),
    );
    return {
      args: [
        "run",
        "fixtures/projects/symbolised",
        "--reporter",
        `html=${folder.path}/report.html`,
        "--accel",
        "tcg",
      ],
      options: { env: { ...cache.env, PATH: `${folder.path}:${process.env["PATH"]}` } },
      reached: () => appears(folder.path, "reached"),
    };
  },
};

for (const [when, prepare] of Object.entries(stages)) {
  for (const [signal, exitCode] of Object.entries(signals)) {
    test(`${signal} ${when}`, async () => {
      await using folder = await temporaryFolder();
      await using cache = await ownCache();
      const { args, options, reached } = await prepare(folder, cache);
      const cli = startCli(args, options);
      const ended = cli.result.then(({ stdout, stderr }) =>
        assert.fail(`it ended too early\n${stdout}${stderr}`),
      );
      ended.catch(() => undefined);
      await Promise.race([reached(cli), ended]);
      const pid = cli.child.pid ?? 0;
      const all = [pid, ...(await descendantsOf(pid))];
      cli.child.kill(signal as NodeJS.Signals);
      const result = await cli.result;
      assert.equal(result.exitCode, exitCode, result.stdout + result.stderr);
      assert.deepEqual(await survivors(all, endLimitMs), []);
      assert.doesNotMatch(
        await readFile("/proc/net/unix", "utf8"),
        new RegExp(`@rex-test-(?:${all.join("|")})-`),
      );
      // What was killed can't tidy up: the next run does (clones.test.ts).
      if (signal !== "SIGKILL") assert.deepEqual(await halfMade(cache.path, folder.path), []);
    });
  }
}

test("a second SIGINT ends at once what the first one can't", async () => {
  const cli = startCli(["run", "fixtures/projects/stubborn"]);
  await cli.printed("test-is-running");
  const pid = cli.child.pid ?? 0;
  const all = [pid, ...(await descendantsOf(pid))];
  const startedAt = performance.now();
  cli.child.kill("SIGINT");
  // Later than what npm and the terminal make of one keystroke.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  cli.child.kill("SIGINT");
  const { exitCode, stdout } = await cli.result;
  assert.equal(exitCode, 130, stdout);
  // By itself it would have ended after 15 s.
  assert.ok(performance.now() - startedAt < 14_000);
  assert.deepEqual(await survivors(all, endLimitMs), []);
});

async function descendantsOf(pid: number): Promise<number[]> {
  const children = await childrenOf(pid);
  return [...children, ...(await Promise.all(children.map(descendantsOf))).flat()];
}

async function appears(folder: string, name: string): Promise<void> {
  while (!(await readdir(folder)).includes(name)) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function halfMade(...folders: readonly string[]): Promise<string[]> {
  const names = await Promise.all(
    [...folders, ...folders.map((folder) => join(folder, "snapshots"))].map((folder) =>
      readdir(folder).catch(() => []),
    ),
  );
  return names.flat().filter((name) => name.startsWith(".tmp-"));
}
