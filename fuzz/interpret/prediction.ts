// SPDX-License-Identifier: MIT
// What the interpreter says of a program.
import type { Spot } from "../model/print.ts";

/** Kinds of resources as exit records name them. */
export type Released = "task" | "ringbuf" | "spin_lock";

export type Ending =
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
  /** More is held than may be. */
  | { readonly kind: "resources"; readonly released: readonly Released[] }
  | { readonly kind: "overflow" }
  /** Nothing is said: it is only compared with what another program does. */
  | { readonly kind: "unknown" };

export type RunPrediction = Ending & {
  /** The packet afterwards, of a program that has one; absent when it can't be known. */
  readonly packet?: readonly bigint[];
};

export const mapNames = ["array", "hash", "accounts", "vault"] as const;
export type MapName = (typeof mapNames)[number];

/** What a program leaves in what it shares with user space. */
export interface Left {
  /** The program's own keys; of arrays those that are not 0. A value with a lock is its total and, in the lowest 32 bits, its count. */
  readonly maps: Readonly<Record<MapName, ReadonlyMap<number, bigint>>>;
  /** What was submitted to the ring buffer, in the order of the reservations. */
  readonly records: readonly (readonly bigint[])[];
  /** How many other reservations there were. */
  readonly discarded: number;
}

export interface Prediction {
  /** For each input, as far as something can be said: nothing is, behind an overflow. */
  readonly runs: readonly RunPrediction[];
  /** After all runs; absent when it can't be known. */
  readonly left?: Left;
}

/** Interrupts are off where it is to be ended: another CPU has to do it, which must have its own on meanwhile. */
export function needsAnotherCpu(run: RunPrediction): boolean {
  return run.kind === "timeout" && run.released.includes("spin_lock");
}

export function needsTwoCpus({ runs }: Prediction): boolean {
  return runs.some(needsAnotherCpu);
}
