// SPDX-License-Identifier: MIT
// Loads as no loader would: `/init load-trial` in the guest (rex-agent/src/trial) makes the calls, in a process of its own.
import type { TestContext } from "rex-test";

/** A map descriptor to pass, like the record of that name but for what is given here. */
export interface MapWish {
  readonly name: string;
  readonly closed?: boolean;
  readonly noMap?: boolean;
  readonly mapType?: number;
  readonly keySize?: number;
  readonly valueSize?: number;
  readonly maxEntries?: number;
  readonly flags?: number;
}

export interface Trial {
  /** A map for each record if not given. */
  readonly maps?: readonly MapWish[];
  readonly mapCount?: number;
  /** The object is followed by zeroes, or cut, to this size. */
  readonly elfSize?: number;
  readonly logSize?: number;
  readonly flags?: number;
  readonly keepCapabilities?: readonly string[];
  readonly userNamespace?: boolean;
  readonly failEachAllocation?: boolean;
  readonly storm?: {
    readonly threads: number;
    readonly rounds: number;
    readonly interference?: "descriptors" | "bytes";
  };
  readonly mutate?: { readonly seed: number; readonly rounds: number };
}

export interface TrialReport {
  readonly loaded: number;
  /** By errno. */
  readonly refused: Readonly<Record<string, number>>;
  /** "EPERM: object: …", each once. */
  readonly sentences: readonly string[];
  /** Refusals without a sentence. */
  readonly silent: number;
  readonly failedAllocations: number;
}

export async function tryLoading(
  t: TestContext,
  object: Uint8Array,
  trial: Trial = {},
): Promise<TrialReport> {
  const stdin = Buffer.concat([Buffer.from(`${JSON.stringify(trial)}\n`), object]);
  const ran = await t.guest.exec(["/init", "load-trial"], { root: "guest", stdin, timeoutMs: 60_000 });
  t.expect(ran, ran.stderr).toMatchObject({ status: 0 });
  return JSON.parse(ran.stdout) as TrialReport;
}
