// SPDX-License-Identifier: MIT
// How a benchmark ended, in the terms of tests: the same outcomes lead to the same exit codes.
import { messageOf, RexTestError } from "../support/errors.ts";
import type { Outcome } from "../test/outcome/outcome.ts";
import { ChannelClosedError, NoAnswerError } from "../test/rpc/call-errors.ts";
import { GuestLostError } from "./lab.ts";

export function outcomeOfError(error: unknown): Outcome {
  const reason = messageOf(error);
  if (error instanceof GuestLostError) return { kind: error.verdict.kind, reason };
  if (error instanceof ChannelClosedError || error instanceof NoAnswerError)
    return { kind: "infrastructure-failed", reason };
  if (error instanceof RexTestError && error.outcome === "infrastructure")
    return { kind: "infrastructure-failed", reason };
  return { kind: "failed", reason };
}
