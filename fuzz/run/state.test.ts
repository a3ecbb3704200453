// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  addBatch,
  batchesDone,
  batchesToDo,
  type CampaignState,
  combined,
  freshState,
  type Shard,
  sample,
} from "./state.ts";

function stateOf(shard: Shard): CampaignState {
  return freshState({ target: "programs", seed: 7, shard, kernel: "k" });
}

function outcome(batch: number) {
  return { counts: { programs: 10 + batch }, verdicts: [`what batch ${batch} was`] };
}

function first(state: CampaignState, count: number): number[] {
  return [...batchesToDo(state).take(count)];
}

it("batches that are done are not done again, in whatever order they end", () => {
  const state = stateOf({ index: 1, count: 1 });
  for (const batch of [0, 2, 3]) addBatch(state, batch, outcome(batch));
  expect(state).toMatchObject({ nextBatch: 1, ahead: [2, 3], counts: { programs: 35 } });
  expect(first(state, 3)).toEqual([1, 4, 5]);
  expect(batchesDone(state)).toBe(3);
  addBatch(state, 1, outcome(1));
  expect(state).toMatchObject({ nextBatch: 4, ahead: [] });
});

it("the digest is that of the batches and their verdicts, whatever their order", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }), (order) => {
      const [one, other] = [stateOf({ index: 1, count: 1 }), stateOf({ index: 1, count: 1 })];
      for (const batch of order) addBatch(one, batch, outcome(batch));
      for (const batch of order.toSorted()) addBatch(other, batch, outcome(batch));
      expect(one).toEqual(other);
      addBatch(one, 6, outcome(6));
      addBatch(other, 6, { ...outcome(6), verdicts: ["something else"] });
      expect(one.digest).not.toBe(other.digest);
    }),
  );
});

it("shards are parts of one campaign: no batch is left out or done twice, and their digests make that of the whole", () => {
  const shards = [1, 2, 3].map((index) => stateOf({ index, count: 3 }));
  const whole = stateOf({ index: 1, count: 1 });
  for (const shard of shards)
    for (const batch of first(shard, 4)) {
      addBatch(shard, batch, outcome(batch));
      addBatch(whole, batch, outcome(batch));
    }
  expect(whole).toMatchObject({ nextBatch: 12, ahead: [] });
  expect(shards.map(batchesDone)).toEqual([4, 4, 4]);
  expect(shards.map(({ digest }) => digest).reduce(combined)).toBe(whole.digest);
});

it("of a long campaign fewer samples are kept, from its beginning to its end", () => {
  const state = stateOf({ index: 1, count: 1 });
  for (let ms = 0; ms <= 8 * 3_600_000; ms += 5_000) {
    state.elapsedMs = ms;
    sample(state, 0);
  }
  const { samples } = state.history;
  expect(samples.length).toBeLessThanOrEqual(400);
  expect(samples.length).toBeGreaterThan(150);
  expect(samples[0]?.ms).toBe(0);
  const gaps = samples.slice(1).map(({ ms }, at) => ms - (samples[at]?.ms ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(2 * Math.min(...gaps));
  expect(samples.at(-1)?.ms).toBeGreaterThan(7.9 * 3_600_000);
});
