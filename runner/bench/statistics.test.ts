// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { above, ratio, summarise } from "./statistics.ts";

const samples = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 50 });

describe("summarise", () => {
  it("gives the middle, the ends and the width of the middle half", () => {
    expect(summarise([4, 1, 3, 2, 100])).toEqual({ samples: 5, min: 1, median: 3, max: 100, spread: 2 });
    expect(summarise([7])).toEqual({ samples: 1, min: 7, median: 7, max: 7, spread: 0 });
  });

  it("keeps its numbers in order, whatever the samples and their order", () => {
    fc.assert(
      fc.property(samples, (values) => {
        const summary = summarise(values);
        expect(summary.min).toBeLessThanOrEqual(summary.median);
        expect(summary.median).toBeLessThanOrEqual(summary.max);
        expect(summary.spread).toBeLessThanOrEqual(summary.max - summary.min);
        expect(summarise(values.toReversed())).toEqual(summary);
      }),
    );
  });

  it("is not moved by a few samples that something disturbed", () => {
    expect(summarise([...Array(60).fill(500), 90_000, 91_000, 92_000, 93_000])).toMatchObject({
      median: 500,
      spread: 0,
    });
  });

  it("refuses what is no measurement, and says which", () => {
    expect(() => summarise([])).toThrow("no samples");
    expect(() => summarise([1, Number.NaN])).toThrow("a sample of NaN");
  });
});

describe("comparing", () => {
  it("takes the baseline's median off each sample", () => {
    expect(above([110, 112, 150], [99, 100, 900])).toEqual([10, 12, 50]);
  });

  it("relates medians", () => {
    expect(ratio(summarise([30, 20, 10]), summarise([10]))).toBe(2);
  });

  it("has no ratio to a peer that costs nothing", () => {
    expect(ratio(summarise([10]), summarise([0]))).toBeUndefined();
    expect(ratio(summarise([10]), summarise([-1]))).toBeUndefined();
  });
});
