// SPDX-License-Identifier: MIT
// `rex-test debug`: a test that failed, again, under gdb. What gdb is told comes by a pipe here.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { repository, runCli, runProject } from "./support/cli.ts";

const launcher = fileURLToPath(new URL("../rex-test.js", import.meta.url));
const hasGdb = spawnSync("gdb", ["--version"]).status === 0;

test("without gdb it says what is missing", async () => {
  const { exitCode, stderr } = await runCli(["debug", "0"], { env: { PATH: "/nowhere" } });
  assert.equal(exitCode, 2, stderr);
  assert.match(stderr, /gdb is not installed/);
});

test("gdb stops the guest at the test's beginning, and knows the kernel and the program", async () => {
  assert.ok(hasGdb, "takes gdb: rex-test doctor --fix");
  const { stdout: report } = await runProject("symbolised", "--filter", "panics");
  const id = /rex-test rerun (\w+)/.exec(report)?.[1];
  assert.ok(id, report);
  const child = spawn(process.execPath, [launcher, "debug", id], { cwd: repository, stdio: "pipe" });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  child.stdin.end(
    "break rex_enter\ncontinue\nbreak main.rs:4\ncontinue\nbacktrace 5\nlist\ndelete\ndetach\nquit\n",
  );
  const limit = setTimeout(() => child.kill("SIGKILL"), 150_000);
  const exitCode = await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(limit);
  assert.match(output, /The guest stands still at the beginning of the test/);
  assert.match(output, /Breakpoint 1, \S+ in rex_enter \(\)/);
  assert.match(output, /Breakpoint 2, deep \(\) at src\/main\.rs:4\n4\s+values\[index\]/);
  assert.match(output, /#1 +prog \(\) at src\/main\.rs:8/);
  // The test goes on to its end, and its outcome is what it was.
  assert.equal(exitCode, 1, output);
  assert.match(output, /index out of bounds/);
  assert.deepEqual(
    (await readdir(tmpdir())).filter((name) => name.startsWith("rex-test-gdb-")),
    [],
  );
});
