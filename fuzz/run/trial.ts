// SPDX-License-Identifier: MIT
// What is tried, what was seen of it, and what is wrong with that.
import type { Prediction } from "../interpret/prediction.ts";
import type { Program } from "../model/ast.ts";

/** A program and its inputs, with what is to happen. */
export interface Trial {
  readonly program: Program;
  readonly inputs: readonly bigint[];
  readonly prediction: Prediction;
}

/** Who noticed that something is wrong. */
export type Oracle =
  /** What a program returned, left in its maps, or how it ended. */
  | "prediction"
  /** The kernel complained, crashed or hung. */
  | "kernel health"
  /** Something is left behind in the kernel. */
  | "resource neutrality"
  /** A program was ended too early, too late or not at all. */
  | "termination"
  /** A program used more stack than was proved. */
  | "stack bound"
  /** A program that has nothing to do with the others does not do its work any more. */
  | "canary";

/** Something is wrong. What has the same oracle and title is taken for the same thing. */
export interface Complaint {
  readonly oracle: Oracle;
  /** The same on every machine: no addresses, no numbers. */
  readonly title: string;
  readonly detail: string;
  /** Index of the trial that it is about; absent when it may be any of those that were run. */
  readonly trial?: number;
}

export function keyOf({ oracle, title }: Pick<Complaint, "oracle" | "title">): string {
  return `${oracle}: ${title}`;
}
