// SPDX-License-Identifier: MIT
// Everything a reporter may want to say about one test. Plain data: it travels from the worker in vitest's task meta.
import type { ExitRecord } from "../../protocol/generated.ts";
import type { GuestOrigin, GuestReport, GuestWish } from "../guests/guest.ts";
import type { StepRecord } from "../worker/steps.ts";
import type { Outcome } from "./outcome.ts";

/** What a test kept with `t.attach`: a file in its artifacts folder, whatever its outcome. */
export interface Attachment {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
}

export interface Verdict {
  readonly outcome: Outcome;
  /** From the guest's readiness to the end of the checks. */
  readonly durationMs: number;
  /** Waiting for a free slot. */
  readonly queuedMs: number;
  /** Starting the guest. */
  readonly readyMs: number;
  /** When the test asked for its guest: ms since the epoch. */
  readonly queuedAt?: number | undefined;
  readonly origin?: GuestOrigin | undefined;
  readonly steps: readonly StepRecord[];
  readonly attachments?: readonly Attachment[] | undefined;
  /** Kept for everything but a pass. */
  readonly failure?: FailureDetails | undefined;
}

export interface FailureDetails {
  /** Step that failed, "outer > inner". */
  readonly step?: string | undefined;
  readonly report?: GuestReport | undefined;
  readonly exits: readonly ExitRecord[];
  /** Folder with the console log and the programs. */
  readonly artifacts?: string | undefined;
  /** Why not all of it is there. */
  readonly artifactsTrouble?: string | undefined;
  readonly programs?: readonly KeptProgram[] | undefined;
  /** The guest that the test asked for. */
  readonly guest?: GuestWish | undefined;
}

/** A program of the test, copied to its artifacts; the paths are absolute. */
export interface KeptProgram {
  readonly name: string;
  /** Its main.rs. */
  readonly source?: string | undefined;
  /** What the kernel was given. */
  readonly object?: string | undefined;
  /** The same code with debug information. */
  readonly debug?: string | undefined;
}
