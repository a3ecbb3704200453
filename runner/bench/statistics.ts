// SPDX-License-Identifier: MIT
// Samples in a few numbers. The median is what is compared: a timer tick or a busy host falsifies single samples, upwards, and a mean with them.
import { interquartileRange, max, median, min } from "simple-statistics";
import { RexTestError } from "../support/errors.ts";

export interface Summary {
  readonly samples: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  /** Of the middle half of the samples: how far apart its ends are. */
  readonly spread: number;
}

export function summarise(samples: readonly number[]): Summary {
  const values = [...samples];
  const odd = values.find((value) => !Number.isFinite(value));
  if (values.length === 0 || odd !== undefined)
    throw new RexTestError(
      `nothing can be made of ${values.length === 0 ? "no samples" : `a sample of ${odd}`}`,
    );
  return {
    samples: values.length,
    min: min(values),
    median: median(values),
    max: max(values),
    spread: values.length === 1 ? 0 : interquartileRange(values),
  };
}

/** What something costs on top of a baseline: every sample less the baseline's median. */
export function above(samples: readonly number[], baseline: readonly number[]): number[] {
  const base = summarise(baseline).median;
  return samples.map((sample) => sample - base);
}

/** The median over the peer's; undefined where the peer costs nothing that can be measured. */
export function ratio(summary: Summary, peer: Summary): number | undefined {
  return peer.median > 0 ? summary.median / peer.median : undefined;
}
