// SPDX-License-Identifier: MIT
// What is tried, what was seen of it, and what is wrong with that.
import type { Prediction } from "../interpret/prediction.ts";
import type { Program } from "../model/ast.ts";
import type { VariantName } from "../model/variants.ts";

/** A program and its inputs, with what is to happen. */
export interface Trial {
  readonly program: Program;
  readonly inputs: readonly bigint[];
  readonly prediction: Prediction;
  /** It is compared with this variant of itself. */
  readonly variant?: VariantName;
}

/** Who notices that something is wrong, and what it looks at. `--oracle` takes these names. */
export const oracles = {
  prediction: "what a program returned, left in its maps, or how it ended",
  "kernel health": "the kernel complained, crashed or hung",
  "resource neutrality": "something is left behind in the kernel",
  termination: "a program was ended too early, too late or not at all",
  "stack bound": "a program used more stack than was proved",
  metamorphic: "two programs that differ only in what the compiler makes of them do different things",
  "other CPUs": "a program on another CPU does not do its work while these run",
  canary: "a program that has nothing to do with the others does not do its work any more",
  agent: "the agent of a guest ends, does not answer, or answers what nobody has asked",
  "binary verifier": "rex-verify does not answer, or what it says is not so",
  "compile-time gate": "what no program may do is built, or what every program may do is not",
} as const satisfies Readonly<Record<string, string>>;
export type Oracle = keyof typeof oracles;
export const oracleNames = Object.keys(oracles) as readonly Oracle[];

/** Something is wrong. What has the same oracle, title and frames is taken for the same thing. */
export interface Complaint {
  readonly oracle: Oracle;
  /** The same on every machine: no addresses, no numbers. */
  readonly title: string;
  readonly detail: string;
  /** The innermost functions of the kernel's trace, when there is one. */
  readonly frames?: readonly string[];
  /** Index of the trial that it is about; absent when it may be any of those that were run. */
  readonly trial?: number;
  /** Of that trial, index of the run. */
  readonly run?: number;
}

/** What a finding is traced and shrunk by: frames may differ from one run to the next. */
export function keyOf({ oracle, title }: Pick<Complaint, "oracle" | "title">): string {
  return `${oracle}: ${title}`;
}

/** Whether a finding is traced further by the other complaint: it is the same, or what hangs was noticed in another way. */
export function isSameThing(a: Complaint, b: Complaint): boolean {
  return keyOf(a) === keyOf(b) || (isHang(a) && isHang(b));
}

export const notEndedTitle = "a program was not ended";
export const hungTitle = "guest hung: the guest did not answer a ping within N ms";

/** Whether the guest or only the request ends first is up to the machine. */
export function isHang({ oracle, title }: Complaint): boolean {
  return (
    (oracle === "termination" && title === notEndedTitle) ||
    (oracle === "kernel health" && title === hungTitle)
  );
}

/** What findings are told apart by. */
export function signatureOf(complaint: Pick<Complaint, "oracle" | "title" | "frames">): string {
  const { frames = [] } = complaint;
  return frames.length === 0 ? keyOf(complaint) : `${keyOf(complaint)} in ${frames.join(" < ")}`;
}
