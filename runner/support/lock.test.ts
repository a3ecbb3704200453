// SPDX-License-Identifier: MIT
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { acquireLock, withLock } from "./lock.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-lock-"));
  process.env["REX_TEST_CACHE"] = folder;
});
afterAll(async () => {
  delete process.env["REX_TEST_CACHE"];
  await rm(folder, { recursive: true });
});

test("one owner at a time", async () => {
  const order: string[] = [];
  const first = await acquireLock("a");
  let waited = false;
  const second = withLock("a", async () => void order.push("second"), {
    onWait: () => {
      waited = true;
      order.push("waiting");
      void first[Symbol.asyncDispose]();
    },
  });
  await second;
  expect(waited).toBe(true);
  expect(order).toEqual(["waiting", "second"]);
});

test("a lock that is not given up in time is an error with its name", async () => {
  await using _held = await acquireLock("b");
  await expect(acquireLock("b", { waitMs: 200 })).rejects.toThrow(/kept the lock b for more than/);
});

test("whoever waits can be interrupted", async () => {
  await using _held = await acquireLock("c");
  const controller = new AbortController();
  const waiting = acquireLock("c", {
    signal: controller.signal,
    onWait: () => controller.abort(new Error("enough")),
  });
  await expect(waiting).rejects.toThrow("enough");
});

test("the lock dies with its owner, even by SIGKILL", async () => {
  const script = `import { acquireLock } from ${JSON.stringify(join(import.meta.dirname, "lock.ts"))};
    await acquireLock("d"); console.log("held"); setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => owner.stdout.once("data", resolve));
  const taken = acquireLock("d", { waitMs: 5_000, onWait: () => owner.kill("SIGKILL") });
  await using _lock = await taken;
});
