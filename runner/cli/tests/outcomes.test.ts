// SPDX-License-Identifier: MIT
// The outcomes, from the guest to the exit code: projects that fail in every way there is.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { repository, runCli, runProject } from "./support/cli.ts";
import { bogusKernel, endingInit, silentInit, temporaryFolder } from "./support/images.ts";

test("a failing assertion is a failure: exit 1, with the diff, the step, and how to run it again", async () => {
  const { exitCode, stdout } = await runProject("failing");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /1 passed, 2 failed, 1 ignored/);
  assert.match(stdout, /in step outer > inner/);
  assert.match(stdout, /expected the call to return 3, and it returned EBADF/);
  assert.match(stdout, /failing\.spec\.ts:7:\d+/);
  assert.match(stdout, /did not end within its limit of 500 ms; the guest still answers/);
  assert.match(
    stdout,
    /rex-test run fixtures\/projects\/failing\/failing\.spec\.ts --filter '\/\^dup of nothing returns 3\$\/'/,
  );
});

test("the printed command runs that one test", async () => {
  const { exitCode, stdout } = await runProject("failing", "--filter", "/^getpid returns something$/");
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /1 passed, 0 failed in/);
});

test("a kernel that crashes: exit 64, the splat shown and the log kept", async () => {
  const { exitCode, stdout } = await runProject("crashing");
  assert.equal(exitCode, 64, stdout);
  assert.match(stdout, /KERNEL CRASHED {2}fixtures\/projects\/crashing/);
  assert.match(stdout, /▌ .*Kernel panic - not syncing: sysrq triggered crash/);
  const kept = /kept +(\S+)/.exec(stdout)?.[1];
  assert.ok(kept, stdout);
  assert.match(await readFile(join(repository, kept, "console.log"), "utf8"), /sysrq triggered crash/);
});

test("a guest that hangs: exit 1, told apart from a test that takes too long, soon after its limit", async () => {
  const { exitCode, stdout, durationMs } = await runProject("hanging");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /GUEST HUNG {2}fixtures\/projects\/hanging\S* > never lets go of its only CPU/);
  assert.match(
    stdout,
    /GUEST HUNG {2}fixtures\/projects\/hanging\S* > never lets go of a lock on its only CPU/,
  );
  assert.match(stdout, /0 passed, 0 failed, 2 guest hung/);
  assert.match(stdout, /did not answer a ping/);
  // In the program, which has interrupts off.
  assert.match(
    stdout,
    /the guest hangs; where its CPUs are:\n.*CPU 0: interrupts off\n.*RIP: 0010:0xffffffffa0/,
  );
  assert.match(stdout, /\? rex_enter\+0x/);
  assert.ok(durationMs < 60_000, `took ${durationMs} ms`);
});

test("an agent that dies is the infrastructure's failure: exit 2", async () => {
  const { exitCode, stdout } = await runProject("dying-agent");
  assert.equal(exitCode, 2, stdout);
  assert.match(stdout, /INFRASTRUCTURE FAILED/);
  assert.match(stdout, /the agent gave up: system call exit_group was asked for/);
  assert.match(stdout, /the agent died/);
});

test("a file that is no kernel: infrastructure, exit 2, with what QEMU said", async () => {
  await using folder = await temporaryFolder();
  const kernel = await bogusKernel(folder.path);
  const { exitCode, stdout, stderr } = await runProject("crashing", "--kernel", kernel, "--accel", "tcg");
  assert.equal(exitCode, 2, stdout + stderr);
  assert.match(stdout, /while the guest booted: QEMU ended with exit code 1/);
});

test("a guest whose kernel panics in its boot because init ends: infrastructure, exit 2, with the panic and the log", async () => {
  await using folder = await temporaryFolder();
  const env = { REX_TEST_AGENT: await endingInit(folder.path) };
  const { exitCode, stdout } = await runCli(["run", "fixtures/projects/crashing", "--accel", "tcg"], { env });
  assert.equal(exitCode, 2, stdout);
  assert.match(stdout, /while the guest booted: the agent died or could not be started/);
  assert.match(stdout, /▌ .*Kernel panic - not syncing: Attempted to kill init!/);
  const kept = /kept +(\S+)/.exec(stdout)?.[1] ?? "";
  assert.match(await readFile(join(repository, kept, "console.log"), "utf8"), /Attempted to kill init!/);
});

test("a guest that never reports: infrastructure, exit 2, at the limit of the boot", async () => {
  await using folder = await temporaryFolder();
  const env = { REX_TEST_AGENT: await silentInit(folder.path) };
  const { exitCode, stdout } = await runCli(
    ["run", "fixtures/projects/crashing", "--boot-timeout", "6000", "--accel", "tcg"],
    { env },
  );
  assert.equal(exitCode, 2, stdout);
  assert.match(stdout, /did not report within 6000 ms/);
});

test("the gravest outcome decides: one crash among passes and failures is 64", async () => {
  const { exitCode, stdout } = await runProject("mixed");
  assert.equal(exitCode, 64, stdout);
  assert.match(stdout, /1 passed, 1 failed, 1 kernel crashed/);
});

test("a program that does not build shows rustc's words with the line of the spec, and only its own tests fail", async () => {
  const { exitCode, stdout } = await runProject("broken-program");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /1 passed, 1 failed/);
  assert.match(stdout, /E0308/);
  assert.match(stdout, /--> \S+broken-program\.spec\.ts:7:10 \(src\/main\.rs:3:10\)/);
});

test("a test that blocks its thread is ended by force and fails", async () => {
  const { exitCode, stdout } = await runProject("blocking");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /its code blocks the thread/);
});

test("an expected splat is none, a missing one and one too many are failures", async () => {
  const { exitCode, stdout } = await runProject("splats");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /^✓ \S+ > expected and came/m);
  assert.match(stdout, /1 passed, 3 failed/);
  assert.match(stdout, /expected to complain with \/lkdtm_WARNING\/ once, and did so 0 times/);
  assert.match(stdout, /the kernel complained \(warning\)/);
  assert.match(stdout, /splats by title\n {2}3× {2}WARNING in lkdtm_WARNING {2}\(2 tests\)/);
});

test("a test whose kernel lacks what it needs is ignored, and the report says why", async () => {
  const { exitCode, stdout } = await runProject("requirements");
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /needs what there is not {2}ignored: this kernel is without CONFIG_NO_SUCH_OPTION/);
  assert.match(stdout, /✓ \S+ > boots with maxcpus=2/);
  assert.match(stdout, /3 passed, 0 failed, 1 ignored/);
});

test("frames of programs have their source lines, also inlined ones; the kernel's are missing with a note", async () => {
  const { exitCode, stdout } = await runProject("symbolised");
  assert.equal(exitCode, 1, stdout);
  assert.match(
    stdout,
    /\[inlined\] deep \(src\/main\.rs:4\)\n +program::prog\+0x\w+\/0x\w+ \(src\/main\.rs:8\)/,
  );
  assert.match(stdout, /no source lines of the kernel: it was built without|bugs\.c:\d+\)/);
  const kept = /kept +(\S+panics\S+)/.exec(stdout)?.[1];
  assert.ok(kept, stdout);
  const log = await readFile(join(repository, kept, "console.symbolised.log"), "utf8");
  assert.match(log, /\] rex: {3}program::prog\S+ \(src\/main\.rs:8\)/);
});
