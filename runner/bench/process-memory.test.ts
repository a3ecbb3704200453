// SPDX-License-Identifier: MIT
import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { memoryOfTree } from "./process-memory.ts";

test("a process and those below it, by name", async () => {
  const child = spawn("sh", ["-c", "sleep 60 & echo; wait"], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  const pid = child.pid ?? 0;
  try {
    const names = async () => (await memoryOfTree(pid)).map(({ name }) => name);
    await expect.poll(names, { timeout: 10_000 }).toEqual(["sh", "sleep"]);
    for (const { pssBytes } of await memoryOfTree(pid)) expect(pssBytes).toBeGreaterThan(0);
  } finally {
    process.kill(-pid);
  }
});
