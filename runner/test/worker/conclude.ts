// SPDX-License-Identifier: MIT
// The verdict on a test, from how its function ended, what its guest came to and what the sanitizers found.
import { messageOf, RexTestError } from "../../support/errors.ts";
import type { GuestReport, GuestVerdict } from "../guests/guest.ts";
import { type Outcome, outOfTime } from "../outcome/outcome.ts";
import { ChannelClosedError, NoAnswerError } from "../rpc/call-errors.ts";
import { SanitizerError } from "./sanitizers.ts";

/** How the test function ended, before anybody looked at the guest. */
export type BodyEnd =
  | { readonly kind: "returned" }
  /** It returned, but soft assertions had failed. */
  | { readonly kind: "failed-softly"; readonly messages: readonly string[] }
  | { readonly kind: "threw"; readonly error: unknown }
  | { readonly kind: "timed-out"; readonly timeoutMs: number; readonly during: string }
  | { readonly kind: "guest-over"; readonly verdict: GuestVerdict }
  | { readonly kind: "cancelled" };

/** What became of the test. The guest's verdict comes first: an assertion that fails on a broken kernel says nothing of its own. */
export function conclude(
  end: BodyEnd,
  complaints: readonly string[],
  report: GuestReport,
): { readonly outcome: Outcome; readonly error?: unknown } {
  if (report.verdict !== undefined) {
    const outcome = outcomeOfVerdict(report.verdict);
    return {
      outcome,
      error: end.kind === "threw" && !isTransport(end.error) ? end.error : new Error(reasonOf(outcome)),
    };
  }
  switch (end.kind) {
    case "cancelled":
      return withError({ kind: "never-ran", reason: "the run was interrupted" });
    case "guest-over":
      return withError(outcomeOfVerdict(end.verdict));
    case "timed-out":
      return withError({
        kind: "failed",
        reason: `${outOfTime} of ${end.timeoutMs} ms${end.during}; the guest still answers`,
      });
    case "threw":
      return { outcome: outcomeOfError(end.error), error: end.error };
    case "failed-softly": {
      const outcome: Outcome = { kind: "failed", reason: [...end.messages, ...complaints].join("\n") };
      return complaints.length === 0
        ? { outcome }
        : { outcome, error: new SanitizerError(complaints.join("\n")) };
    }
    case "returned":
      if (complaints.length === 0) return { outcome: { kind: "passed" } };
      return {
        outcome: { kind: "failed", reason: complaints.join("\n") },
        error: new SanitizerError(complaints.join("\n")),
      };
  }
}

/** In a word or two, before it is known what the guest came to. */
export function describeEnd(end: Exclude<BodyEnd, { readonly kind: "returned" | "cancelled" }>): string {
  switch (end.kind) {
    case "failed-softly":
      return end.messages.join("\n");
    case "threw":
      return messageOf(end.error);
    case "timed-out":
      return `${outOfTime} of ${end.timeoutMs} ms${end.during}`;
    case "guest-over":
      return end.verdict.reason;
  }
}

function withError(outcome: Outcome): { readonly outcome: Outcome; readonly error: Error } {
  return { outcome, error: new Error(reasonOf(outcome)) };
}

export function outcomeOfVerdict(verdict: GuestVerdict, prefix = ""): Outcome {
  const reason = prefix + verdict.reason;
  switch (verdict.kind) {
    case "kernel-crashed":
      return { kind: "kernel-crashed", reason, splat: verdict.splat };
    case "guest-hung":
      return { kind: "guest-hung", reason };
    case "infrastructure-failed":
      return {
        kind: "infrastructure-failed",
        reason: verdict.detail ? `${reason}\n${verdict.detail}` : reason,
      };
  }
}

function outcomeOfError(error: unknown): Outcome {
  const infrastructure =
    isTransport(error) || (error instanceof RexTestError && error.outcome === "infrastructure");
  return { kind: infrastructure ? "infrastructure-failed" : "failed", reason: messageOf(error) };
}

/** The way to the guest, not what was asked of it. */
function isTransport(error: unknown): boolean {
  return error instanceof ChannelClosedError || error instanceof NoAnswerError;
}

export function reasonOf(outcome: Outcome): string {
  return outcome.kind === "passed" ? "" : outcome.reason;
}
