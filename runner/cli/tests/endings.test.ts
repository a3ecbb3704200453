// SPDX-License-Identifier: MIT
// However the runner ends, no QEMU outlives it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { childrenOf, qemuBelow, type RunningCli, startCli, survivors } from "./support/cli.ts";

/** Ctrl-C and SIGTERM: in good order, and quickly. SIGKILL: by the kernel's hand, at once. */
const orderlyLimitMs = 10_000;
const killedLimitMs = 2_000;

async function withGuests(): Promise<{ cli: RunningCli; pid: number; guests: number[] }> {
  const cli = startCli(["run", "fixtures/projects/endless", "--jobs", "2", "--timeout", "120000"]);
  await cli.printed("test-is-running");
  const pid = cli.child.pid ?? 0;
  const guests = await qemuBelow(pid);
  assert.ok(guests.length > 0, "there should be guests");
  return { cli, pid, guests };
}

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`${signal} ends the run in good order with exit code ${exitCode}`, async () => {
    const { cli, guests } = await withGuests();
    cli.child.kill(signal);
    const result = await cli.result;
    assert.equal(result.exitCode, exitCode, result.stdout + result.stderr);
    assert.match(result.stdout, /never ran/);
    assert.match(result.stdout, /interrupted/);
    assert.deepEqual(await survivors(guests, orderlyLimitMs), []);
  });
}

test("SIGKILL of the runner leaves no guest", async () => {
  const { cli, pid, guests } = await withGuests();
  // Where the launcher has handed over to another Node, the runner proper is its child.
  const [runner = pid] = (await childrenOf(pid)).filter((child) => !guests.includes(child));
  process.kill(runner, "SIGKILL");
  assert.deepEqual(await survivors(guests, killedLimitMs), []);
  await cli.result;
});

test("SIGKILL of what the user started leaves no guest and no runner", async () => {
  const { cli, pid, guests } = await withGuests();
  const others = await childrenOf(pid);
  cli.child.kill("SIGKILL");
  await cli.result;
  assert.deepEqual(await survivors([...guests, ...others], orderlyLimitMs), []);
});

test("SIGKILL while guests boot leaves none either", async () => {
  const cli = startCli(["run", "fixtures/projects/endless", "--jobs", "2"]);
  await cli.printed("spec file");
  const pid = cli.child.pid ?? 0;
  let guests: number[] = [];
  while (guests.length === 0) guests = await qemuBelow(pid);
  cli.child.kill("SIGKILL");
  await cli.result;
  assert.deepEqual(await survivors(guests, orderlyLimitMs), []);
});
