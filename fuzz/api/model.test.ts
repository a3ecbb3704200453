// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { madeOf } from "../model/generate/seeded.ts";
import { callsOf } from "./calls.ts";
import { type Call, Model, sum } from "./model.ts";
import { callNames, operatorSource, sizes } from "./operator.ts";

const call = (name: string, key = 0n, value = 0n, more = 0n): Call => ({ name, key, value, more });
const status = (errno: bigint) => BigInt.asUintN(64, -errno);

/** What calls give, one after the other. */
function outcomes(...calls: readonly Call[]): readonly (readonly [bigint, bigint] | string)[] {
  const model = new Model();
  return calls.map((one) => {
    const expected = model.apply(one);
    return "what" in expected ? expected.what : [expected.status, expected.value];
  });
}

it("every call has a name and is in the program, and all are made", () => {
  expect(new Set(callNames).size).toBe(callNames.length);
  for (const index of callNames.keys()) expect(operatorSource).toContain(`if operation == ${index} {`);
  const made = new Set(
    Array.from({ length: 40 }, (_, seed) => madeOf(seed, (draw) => callsOf(draw, 200))).flatMap((calls) =>
      calls.map(({ name }) => name),
    ),
  );
  expect([...callNames].filter((name) => !made.has(name))).toEqual([]);
});

it("the same seed makes the same calls", () => {
  const made = (seed: number) => madeOf(seed, (draw) => callsOf(draw, 50));
  expect(made(1)).toEqual(made(1));
  expect(made(1)).not.toEqual(made(2));
});

it("a hash is full, and takes an old key nevertheless", () => {
  const keys = Array.from({ length: sizes.hash }, (_, key) => call("HASH.insert", BigInt(key), 1n));
  expect(
    outcomes(...keys, call("HASH.insert", 99n), call("HASH.insert", 0n, 5n), call("HASH.get", 0n)).slice(-3),
  ).toEqual([
    [status(7n), 0n],
    [0n, 0n],
    [1n, 5n],
  ]);
  expect(
    outcomes(
      call("HASH.update", 1n),
      call("HASH.insert_new", 1n),
      call("HASH.insert_new", 1n),
      call("HASH.delete", 1n),
      call("HASH.delete", 1n),
    ),
  ).toEqual([
    [status(2n), 0n],
    [0n, 0n],
    [status(17n), 0n],
    [0n, 0n],
    [status(2n), 0n],
  ]);
});

it("an array has all of its keys and no others, whatever the upper half of a number is", () => {
  expect(
    outcomes(
      call("ARRAY.get", 3n),
      call("ARRAY.get", 4n),
      call("ARRAY.delete", 0n),
      call("ARRAY.insert", 1n << 32n, 9n),
      call("ARRAY.get", 0n),
    ),
  ).toEqual([
    [1n, 0n],
    [0n, 0n],
    [status(22n), 0n],
    [0n, 0n],
    [1n, 9n],
  ]);
});

it("queues give the oldest and stacks the newest, and drop the oldest when they are forced", () => {
  const push = (map: string) => [1n, 2n, 3n, 4n, 5n].map((value) => call(`${map}.force_push`, 0n, value));
  expect(outcomes(...push("QUEUE"), call("QUEUE.pop"), call("QUEUE.peek")).slice(-2)).toEqual([
    [1n, 2n],
    [1n, 3n],
  ]);
  expect(
    outcomes(
      ...push("STACK"),
      call("STACK.pop"),
      call("STACK.pop"),
      call("STACK.pop"),
      call("STACK.pop"),
    ).slice(-4),
  ).toEqual([
    [1n, 5n],
    [1n, 4n],
    [1n, 3n],
    [0n, 0n],
  ]);
});

it("a trie finds the longest prefix", () => {
  const net = 0x0a00_0000n;
  const put = [call("TRIE.insert", net, 8n, 8n), call("TRIE.insert", net, 24n, 24n)];
  const get = (address: bigint, length = 32n) => call("TRIE.get", address, 0n, length);
  expect(
    outcomes(...put, get(net + 1n), get(net + 0x1_0000n), get(0n), get(net, 16n), get(net, 33n)).slice(2),
  ).toEqual([
    [1n, 24n],
    [1n, 8n],
    [0n, 0n],
    [1n, 8n],
    [0n, 0n],
  ]);
});

it("a ring buffer is full one byte early, and read in order", () => {
  const model = new Model();
  const reserve = (size: bigint) => model.apply(call("RING.reserve", 0n, size));
  expect(reserve(4_089n)).toMatchObject({ status: 0n });
  expect(reserve(4_081n)).toMatchObject({ status: 0n });
  expect(reserve(4_080n)).toMatchObject({ status: 1n });
  expect(model.apply(call("RING.output", 1n, 7n))).toMatchObject({ status: status(11n) });
  expect(model.readRing()).toEqual({ records: [], discarded: 1 });
  model.apply(call("RING.output", 2n, 7n));
  expect(model.apply(call("RING.available"))).toMatchObject({ value: 16n });
  expect(model.readRing()).toEqual({ records: ["0707"], discarded: 0 });
});

it("what a map that forgets has forgotten is not expected again", () => {
  const model = new Model();
  model.apply(call("LRU.insert", 1n, 5n));
  const expected = model.apply(call("LRU.get", 1n));
  if (!("what" in expected)) throw new Error("it may have forgotten");
  expect(expected.holds({ status: 1n, value: 6n }, { tid: 1n })).toBe(false);
  expect(expected.holds({ status: 1n, value: 5n }, { tid: 1n })).toBe(true);
  expect(expected.holds({ status: 0n, value: 0n }, { tid: 1n })).toBe(true);
  expect(model.apply(call("LRU.get", 1n))).toEqual({ status: 0n, value: 0n });
});

it("sums are those of the program", () => {
  expect(sum(Buffer.from([]))).toBe(7n);
  expect(sum(Buffer.from([1, 2]))).toBe((7n * 31n + 1n) * 31n + 2n);
});
