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

/** The id of the failure of the program that panics. */
async function failure(): Promise<string> {
  const { stdout: report } = await runProject("symbolised", "--filter", "panics");
  const id = /rex-test rerun (\w+)/.exec(report)?.[1];
  assert.ok(id, report);
  return id;
}

/** What `rex-test debug` says, and its exit code, when gdb is told this. */
async function debug(args: readonly string[], commands: readonly string[], limitMs: number) {
  assert.ok(hasGdb, "takes gdb: rex-test doctor --fix");
  const child = spawn(process.execPath, [launcher, "debug", ...args], { cwd: repository, stdio: "pipe" });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  child.stdin.end(commands.map((command) => `${command}\n`).join(""));
  const limit = setTimeout(() => child.kill("SIGKILL"), limitMs);
  const exitCode = await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(limit);
  return { output, exitCode };
}

async function foldersLeft(prefix: string): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith(prefix));
}

test("gdb stops the guest at the test's beginning, and knows the kernel and the program", async () => {
  const { output, exitCode } = await debug(
    [await failure()],
    [
      ...["break rex_enter", "continue", "break main.rs:4", "continue", "backtrace 5", "list"],
      ...["delete", "detach", "quit"],
    ],
    150_000,
  );
  assert.match(output, /The guest stands still at the beginning of the test/);
  assert.match(output, /Breakpoint 1, \S+ in rex_enter \(\)/);
  assert.match(output, /Breakpoint 2, deep \(\) at src\/main\.rs:4\n4\s+values\[index\]/);
  assert.match(output, /#1 +prog \(\) at src\/main\.rs:8/);
  // The test goes on to its end, and its outcome is what it was.
  assert.equal(exitCode, 1, output);
  assert.match(output, /index out of bounds/);
  assert.deepEqual(await foldersLeft("rex-test-gdb-"), []);
});

test("gdb goes back in a recording, to what was before", async () => {
  const { output, exitCode } = await debug(
    [await failure(), "--replay"],
    [
      ...[
        "break main.rs:4",
        "continue",
        "delete",
        "break rex_panic_begin",
        "continue",
        "monitor info replay",
      ],
      // An instruction earlier, and where the index was used that the panic is about.
      ...["reverse-stepi", "monitor info replay", "delete", "break main.rs:4", "reverse-continue"],
      ...["monitor info replay", "quit"],
    ],
    150_000,
  );
  // The outcome of the recorded run.
  assert.equal(exitCode, 1, output);
  assert.match(output, /index out of bounds/);
  assert.match(output, /The recording stands at the beginning of the test/);
  const stops = [...output.matchAll(/Breakpoint \d, .*?(deep|rex_panic_begin) \(/g)].map(
    ([, where]) => where,
  );
  assert.deepEqual(stops, ["deep", "rex_panic_begin", "deep"], output);
  const [panic = 0, before, index = 0] = [...output.matchAll(/instruction count = (\d+)/g)].map(([, count]) =>
    Number(count),
  );
  assert.equal(before, panic - 1, output);
  assert.ok(index > 0 && index < panic - 1, output);
  assert.deepEqual(await foldersLeft("rex-test-recording-"), []);
});
