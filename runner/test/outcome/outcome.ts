// SPDX-License-Identifier: MIT
// What can become of a test. Six outcomes that never blur into each other, from the guest to the exit code.
import { exitCodes } from "../../support/errors.ts";
import type { Splat } from "./splat.ts";

export type Outcome =
  | { readonly kind: "passed" }
  /** An assertion, a sanitizer or the test's own code. */
  | { readonly kind: "failed"; readonly reason: string }
  /** The guest's kernel broke down and the test did not ask for it. */
  | { readonly kind: "kernel-crashed"; readonly reason: string; readonly splat?: Splat | undefined }
  /** The guest is there and does not answer. */
  | { readonly kind: "guest-hung"; readonly reason: string }
  /** Nothing is known about the code under test: QEMU, the boot, the agent, the compiler or the host gave up. */
  | { readonly kind: "infrastructure-failed"; readonly reason: string }
  /** Collected, but never started or cut short by an interruption. */
  | { readonly kind: "never-ran"; readonly reason: string };

export type OutcomeKind = Outcome["kind"];

export const outcomeKinds = [
  "passed",
  "failed",
  "kernel-crashed",
  "guest-hung",
  "infrastructure-failed",
  "never-ran",
] as const satisfies readonly OutcomeKind[];

/** Begins the reason of a test that took too long while its guest was well; the code under test need not be to blame. */
export const outOfTime = "the test did not end within its limit";

/** As a reader sees them: "2 passed, 1 kernel crashed". */
export function outcomeWords(kind: OutcomeKind): string {
  return kind.replace("-", " ");
}

export type OutcomeCounts = Readonly<Record<OutcomeKind, number>>;

export function countOutcomes(kinds: Iterable<OutcomeKind>): OutcomeCounts {
  const counts: Record<OutcomeKind, number> = {
    passed: 0,
    failed: 0,
    "kernel-crashed": 0,
    "guest-hung": 0,
    "infrastructure-failed": 0,
    "never-ran": 0,
  };
  for (const kind of kinds) counts[kind] += 1;
  return counts;
}

/**
 * The exit code of a run: the gravest outcome decides. A crashed kernel outranks everything (64); a failed or hung test says
 * that the code is wrong (1) and outranks what only says that nothing was learnt (2).
 */
export function exitCodeOf(counts: OutcomeCounts): number {
  if (counts["kernel-crashed"] > 0) return exitCodes.crash;
  if (counts.failed > 0 || counts["guest-hung"] > 0) return exitCodes.failure;
  if (counts["infrastructure-failed"] > 0 || counts["never-ran"] > 0) return exitCodes.infrastructure;
  return exitCodes.passed;
}
