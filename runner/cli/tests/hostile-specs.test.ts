// SPDX-License-Identifier: MIT
// Specs that harm what runs them, and guests that do: the others are run all the same, and each is told what it came to.
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { qemuBelow, repository, runCli, runProject, startCli, survivors } from "./support/cli.ts";
import { temporaryFolder } from "./support/images.ts";
import { ownQemu } from "./support/own-qemu.ts";

test("a spec that calls process.exit fails with the place, and ends nothing but its test", async () => {
  const { exitCode, stdout } = await runProject("exiting");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /process\.exit unexpectedly called with "0"\n +at \S+exiting\.spec\.ts:5:\d+/);
  assert.match(stdout, /1 passed, 1 failed/);
});

test("a spec that eats its thread's heap fails; tests behind it and beside it are run", async () => {
  const { exitCode, stdout, stderr } = await runCli(["run", "fixtures/projects/hungry", "--jobs", "1"], {
    env: { NODE_OPTIONS: "--max-old-space-size=200" },
  });
  assert.equal(exitCode, 1, stdout + stderr);
  assert.match(stdout, /✗ \S+hungry\.spec\.ts > eats the heap of its thread/);
  assert.match(stdout, /ran out of heap; NODE_OPTIONS=--max-old-space-size/);
  assert.match(stdout, /✓ \S+hungry\.spec\.ts > is behind it/);
  assert.match(stdout, /✓ \S+sound\.spec\.ts > is in another file/);
  assert.match(stdout, /NOT LOADED {2}\S+hungry-at-once\.spec\.ts\n.*ran out of heap/);
  assert.match(stdout, /2 passed, 2 failed in/);
});

test("a promise that is rejected when its test is over is told with its place", async () => {
  const { exitCode, stdout } = await runProject("stray");
  assert.equal(exitCode, 2, stdout);
  assert.match(stdout, /! outside of any test\n {2}nobody awaited this\n {2}at \S+stray\.spec\.ts:5:\d+/);
  assert.match(
    stdout,
    /its test "leaves a call behind that its own end cuts off" is over; is an await missing\?\n {2}at \S+stray\.spec/,
  );
  assert.match(stdout, /2 passed, 0 failed, 2 infrastructure failed/);
});

test("calls that wait when their guest crashes, or their test fails, are no failures of their own", async () => {
  const { exitCode, stdout } = await runProject("pending");
  assert.equal(exitCode, 64, stdout);
  assert.doesNotMatch(stdout, /outside of any test/);
  assert.match(stdout, /0 passed, 1 failed, 1 kernel crashed in/);
});

test("a guest whose QEMU is killed by somebody else: infrastructure, exit 2, with the signal and the log", async () => {
  const cli = startCli(["run", "fixtures/projects/sleeping"]);
  await cli.printed("test-is-running");
  for (const pid of await qemuBelow(cli.child.pid ?? 0)) process.kill(pid, "SIGKILL");
  const { exitCode, stdout } = await cli.result;
  assert.equal(exitCode, 2, stdout);
  assert.match(stdout, /INFRASTRUCTURE FAILED.*sleeping.*\n {2}QEMU was ended by SIGKILL/);
  const kept = /kept +(\S+)/.exec(stdout)?.[1] ?? "";
  assert.match(await readFile(join(repository, kept, "console.log"), "utf8"), /rex-agent: ready/);
});

test("a console of 100 MB costs neither memory nor the disk, and the test goes on", async () => {
  await using folder = await temporaryFolder();
  const env = await ownQemu(folder.path, "yes 'a line that comes again and again' | head -c 100000000 >&5");
  const args = ["--guests", "boot", "--boot-timeout", "100000", "--accel", "tcg"];
  const cli = startCli(["run", "fixtures/projects/failing", "--filter", "/^dup/", ...args], { env });
  const memory = highWaterMark(cli.child.pid ?? 0);
  const { exitCode, stdout, stderr } = await cli.result;
  assert.equal(exitCode, 1, stdout + stderr);
  assert.match(stdout, /expected the call to return 3, and it returned EBADF/);
  const kept = /kept +(\S+)/.exec(stdout)?.[1] ?? "";
  const { size } = await stat(join(repository, kept, "console.log"));
  assert.ok(size > 8 * 1024 * 1024 && size < 9 * 1024 * 1024, `console.log has ${size} bytes`);
  const bytes = await memory;
  assert.ok(bytes > 0 && bytes < 600 * 1024 * 1024, `the runner had ${bytes} bytes`);
});

/** The most memory that a process had, in bytes, when it has ended. */
async function highWaterMark(pid: number): Promise<number> {
  for (let bytes = 0; ; ) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    if (kilobytes === undefined) return bytes;
    bytes = Number(kilobytes) * 1024;
    await survivors([pid], 100);
  }
}
