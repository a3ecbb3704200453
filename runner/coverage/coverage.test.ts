// SPDX-License-Identifier: MIT

import { expect, test } from "vitest";
import type { MethodName, Methods } from "../protocol/generated.ts";
import { GuestRefusalError } from "../test/rpc/call-errors.ts";
import { type Counters, type CountingGuest, readCounters, takeCounters } from "./counters.ts";
import { Coverage } from "./coverage.ts";
import { formatGcda, type Shape } from "./gcda.ts";

const shape = (stamp: number, arcs: number): Shape => ({
  // "B22*"
  version: 0x4232322a,
  stamp,
  functions: [{ ident: 1, lineChecksum: 2, graphChecksum: 3, arcs }],
});

function counters(counts: readonly number[], stamp = 7): Counters {
  return new Map([
    ["kernel/rex/exit", { shape: shape(stamp, counts.length), counts: Float64Array.from(counts) }],
  ]);
}

test("what is new is counted once", () => {
  const coverage = new Coverage();
  expect(coverage.add(counters([1, 0, 0]))).toBe(1);
  expect(coverage.novelty(counters([5, 2, 0]))).toBe(1);
  expect(coverage.add(counters([5, 2, 0]))).toBe(1);
  expect(coverage.novelty(counters([5, 2, 0]))).toBe(0);
  expect([coverage.taken, coverage.arcs]).toEqual([2, 3]);
});

test("counts add up, and what was added is not kept", () => {
  const given = counters([1, 0]);
  const coverage = new Coverage();
  coverage.add(given);
  coverage.add(counters([2 ** 40, 1]));
  expect([...(coverage.counters.get("kernel/rex/exit")?.counts ?? [])]).toEqual([2 ** 40 + 1, 1]);
  expect([...(given.get("kernel/rex/exit")?.counts ?? [])]).toEqual([1, 0]);
});

test("coverages of one kernel can be put together, of two they can't", () => {
  const one = new Coverage();
  one.add(counters([1, 0]));
  const other = new Coverage();
  other.add(counters([1, 1]));
  expect(one.merge(other)).toBe(1);
  expect(() => one.add(counters([1, 0], 8))).toThrow("another kernel");
});

class FakeGuest implements CountingGuest {
  readonly #files: Methods["readFolder"]["result"]["files"];
  readonly written: unknown[] = [];

  constructor(files: Methods["readFolder"]["result"]["files"]) {
    this.#files = files;
  }

  async call<M extends MethodName>(method: M, params: Methods[M]["params"]): Promise<Methods[M]["result"]> {
    if (method === "readFolder") return { files: this.#files } as Methods[M]["result"];
    this.written.push(params);
    return { written: 2 } as Methods[M]["result"];
  }
}

const limits = { timeoutMs: 1_000 };
const file = (path: string, counts: readonly number[]) => {
  const object = { shape: shape(7, counts.length), counts: Float64Array.from(counts) };
  return { path, data: Buffer.from(formatGcda(object)).toString("base64") };
};

test("objects of the runtime are read, wherever they were built, and no others", async () => {
  const guest = new FakeGuest([
    file("home/me/build/kernel/rex/exit.gcda", [3, 2 ** 33]),
    file("home/me/build/kernel/fork.gcda", [1]),
  ]);
  const read = await takeCounters(guest, limits);
  expect([...read.keys()]).toEqual(["kernel/rex/exit"]);
  expect([...(read.get("kernel/rex/exit")?.counts ?? [])]).toEqual([3, 2 ** 33]);
  expect(guest.written).toEqual([{ path: "/sys/kernel/debug/gcov/reset", data: "MAo=" }]);
});

test("a kernel that does not count is an error, and so is an agent that can't read", async () => {
  await expect(readCounters(new FakeGuest([]), limits)).rejects.toThrow("does not count");
  const refusing = (message: string): CountingGuest => ({
    call: () => Promise.reject(new GuestRefusalError({ kind: "not_found", blame: "caller", message })),
  });
  const missing = "/sys/kernel/debug/gcov can't be read: No such file or directory";
  await expect(readCounters(refusing(missing), limits)).rejects.toThrow("does not count");
  await expect(readCounters(refusing("there is no method readFolder"), limits)).rejects.toThrow(
    "is older than",
  );
});
