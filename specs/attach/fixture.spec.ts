// SPDX-License-Identifier: MIT
// Promise: an ordinary cargo project is a program fixture, and does what the same program written inline does.
import { rexTest } from "rex-test";

rexTest("a cargo project loads by its name and runs", async (t) => {
  const program = await t.load("hello");
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  t.expect(await t.guest.traceRead()).toMatch(/hello/i);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a fixture that panics names its own source file", async (t) => {
  const program = await t.load("oob-index");
  await using _link = await program.attach();
  t.expect(await t.guest.syscall("dup", 999)).toExitGracefully({
    reason: "panic",
    message: /index out of bounds/,
    at: /src\/main\.rs:\d+:\d+/,
  });
});
