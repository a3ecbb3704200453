// SPDX-License-Identifier: MIT
// `rex-test shell`: a guest of one's own. Without a terminal it carries out what comes by a pipe.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { repository, runCli } from "./support/cli.ts";

const launcher = fileURLToPath(new URL("../rex-test.js", import.meta.url));

async function runShell(input: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, [launcher, "shell", ...args], { cwd: repository, stdio: "pipe" });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  child.stdin.end(input);
  const { promise, resolve } = Promise.withResolvers<number | null>();
  const limit = setTimeout(() => child.kill("SIGKILL"), 120_000);
  child.once("close", resolve);
  const exitCode = await promise.finally(() => clearTimeout(limit));
  return { exitCode, ...output };
}

async function leftOver(): Promise<readonly string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith("rex-test-shell-"));
}

test("commands run in the guest, on its kernel, with the program loaded and attached; nothing is left", async () => {
  const before = await leftOver();
  const { exitCode, stdout, stderr } = await runShell(
    "uname -r; nproc\ngrep programs /sys/kernel/debug/rex/stats\ntty\n",
    "--cpus",
    "2",
    "--program",
    "fixtures/programs/hello",
  );
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stdout, /^\d+\.\d+\.\d+\S*\r?\n2\r?\nprograms 1\r?\n\/dev\/ttyS0\r?\n/);
  assert.match(stderr, /program \d+ "\w+" \(\w+\) is attached to \S+/);
  assert.deepEqual(await leftOver(), before);
});

test("a guest that crashes ends the shell: exit 64", async () => {
  const { exitCode, stdout, stderr } = await runShell("echo c > /proc/sysrq-trigger\n");
  assert.equal(exitCode, 64, stdout + stderr);
  assert.match(stdout, /Kernel panic - not syncing: sysrq triggered crash/);
  assert.match(stderr, /the guest is over: kernel panic: sysrq triggered crash/);
});

test("a program that is none is a mistake of the caller's", async () => {
  const { exitCode, stderr } = await runCli(["shell", "--program", "README.md"]);
  assert.equal(exitCode, 2, stderr);
  assert.match(stderr, /a program is a \.rs file, a cargo project or a \.rex object/);
});
