// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { clonesThatMayWait } from "./choose-provider.ts";
import { ClonePool } from "./clone-pool.ts";

class FakeClone implements AsyncDisposable {
  hasEnded = false;

  async [Symbol.asyncDispose](): Promise<void> {
    this.hasEnded = true;
  }
}

/** Starts clones and remembers them. */
function starter() {
  const started: FakeClone[] = [];
  const start = async () => {
    const clone = new FakeClone();
    started.push(clone);
    return clone;
  };
  return { started, start };
}

it("keeps as many waiting as it may and hands out each once", async () => {
  await using pool = new ClonePool<FakeClone>(2);
  const { started, start } = starter();
  expect(await pool.take("a")).toBeUndefined();
  pool.fill("a", start);
  pool.fill("a", start);
  expect(started.length).toBe(2);
  const taken = [await pool.take("a"), await pool.take("a")];
  expect(new Set(taken).size).toBe(2);
  expect(await pool.take("a")).toBeUndefined();
});

it("gives the room to the kind that was asked for last", async () => {
  await using pool = new ClonePool<FakeClone>(2);
  const [a, b] = [starter(), starter()];
  pool.fill("a", a.start);
  pool.fill("b", b.start);
  expect(await pool.take("a")).toBeUndefined();
  expect(await pool.take("b")).toBe(b.started[0]);
  expect(a.started.every(({ hasEnded }) => hasEnded)).toBe(true);
});

it("passes over clones that have ended or could not be started", async () => {
  await using pool = new ClonePool<FakeClone>(3);
  const { started, start } = starter();
  let attempt = 0;
  pool.fill("a", () => (attempt++ === 0 ? Promise.reject(new Error("no memory")) : start()));
  const [first, second] = started;
  if (first) first.hasEnded = true;
  expect(await pool.take("a")).toBe(second);
});

it("ends what still waits, and starts nothing afterwards", async () => {
  const pool = new ClonePool<FakeClone>(2);
  const { started, start } = starter();
  pool.fill("a", start);
  await pool[Symbol.asyncDispose]();
  expect(started.every(({ hasEnded }) => hasEnded)).toBe(true);
  pool.fill("a", start);
  expect(started.length).toBe(2);
});

it("is no larger than memory allows", () => {
  const GiB = 1024 ** 3;
  expect(clonesThatMayWait(2, 16 * GiB)).toBe(2);
  expect(clonesThatMayWait(64, 4 * GiB)).toBe(10);
  expect(clonesThatMayWait(8, GiB / 4)).toBe(0);
});
