// SPDX-License-Identifier: MIT
// --pause-on-failure on a terminal: the guest is there, its console and QMP can be reached, and Enter ends it.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { isAlive, repository } from "./support/cli.ts";
import { startOnTerminal } from "./support/terminal.ts";

/** What the socket says until it has said this, after it was sent these lines. */
async function converse(path: string, lines: readonly string[], until: RegExp): Promise<string> {
  const socket = connect(path).setEncoding("utf8");
  let said = "";
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.on("error", reject).on("data", (text: string) => {
    said += text;
    if (until.test(said)) resolve();
  });
  for (const line of lines) socket.write(`${line}\n`);
  const limit = setTimeout(() => reject(new Error(`${path} said only: ${said}`)), 20_000);
  await promise.finally(() => {
    clearTimeout(limit);
    socket.destroy();
  });
  return said;
}

test("the guest of a test that failed waits for Enter, and can be reached", async () => {
  const args = ["run", "fixtures/projects/failing", "--filter", "dup of nothing", "--pause-on-failure"];
  const cli = startOnTerminal(args, repository);
  const shown = await cli.shows(/Enter ends this guest and goes on/);
  assert.match(shown, /PAUSED {2}fixtures\/projects\/failing\/failing\.spec\.ts > dup of nothing returns 3/);
  assert.match(shown, /expected the call to return 3, and it returned EBADF/);
  const path = (name: string) => new RegExp(`UNIX-CONNECT:(\\S+/${name})`).exec(shown)?.[1] ?? "";
  const pid = Number(/QEMU +process (\d+)/.exec(shown)?.[1]);

  assert.match(await converse(path("console"), [], /rex-agent: ready/), /rex-agent: ready/);
  const commands = [
    '{"execute":"qmp_capabilities"}',
    '{"execute":"query-status","id":7}',
    '{"execute":"nosuch"}',
  ];
  const answers = await converse(path("qmp"), commands, /nosuch/);
  assert.match(answers, /"QMP":\{"version":\{"qemu"/);
  assert.match(answers, /"return":\{[^}]*"status":"running"[^}]*\},"id":7/);
  assert.match(answers, /"error":\{"class":"GenericError"/);
  assert.match(shown, /gdb \S+vmlinux -ex 'target remote \S+\/gdb'/);
  assert.ok(await isAlive(pid));

  cli.press("\r");
  await cli.shows(/0 passed, 1 failed/);
  assert.equal(await cli.exitCode, 1);
  assert.equal(await isAlive(pid), false);
  assert.equal(existsSync(path("qmp")), false);
});

test("of a guest whose machine has ended there is its console log", async () => {
  const cli = startOnTerminal(["run", "fixtures/projects/crashing", "--pause-on-failure"], repository);
  await cli.shows(
    /crashes its kernel\s+kernel panic: [\s\S]*its machine has ended already; what it said: \S+console\.log/,
  );
  cli.press("\r");
  assert.equal(await cli.exitCode, 64);
});
