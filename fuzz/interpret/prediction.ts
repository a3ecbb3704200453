// SPDX-License-Identifier: MIT
// What the interpreter says of a program.
import type { Spot } from "../model/print.ts";

/** Kinds of resources as exit records name them. */
export type Released = "task" | "ringbuf";

export type RunPrediction =
  | { readonly kind: "returns"; readonly value: bigint }
  | {
      readonly kind: "panics";
      readonly message: string;
      readonly spot: Spot;
      /** What is held, in the order of its release. */
      readonly released: readonly Released[];
    }
  /** The message of a panic panics. */
  | { readonly kind: "nested"; readonly released: readonly Released[] }
  | { readonly kind: "timeout"; readonly released: readonly Released[] }
  | { readonly kind: "overflow" };

export interface Prediction {
  /** For each input, as far as something can be said: nothing is, behind an overflow. */
  readonly runs: readonly RunPrediction[];
  /** The program's own keys that are not 0; absent when they can't be known. */
  readonly maps?: { readonly array: ReadonlyMap<number, bigint>; readonly hash: ReadonlyMap<number, bigint> };
}
