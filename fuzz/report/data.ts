// SPDX-License-Identifier: MIT
// What the page of `rex-test fuzz report` shows: written as JSON, read by the script of the page.
import type { MergedFinding } from "../run/findings.ts";
import type { CampaignState, Sample } from "../run/state.ts";

export interface FuzzReport {
  readonly createdAt: string;
  readonly corpora: readonly CorpusReport[];
}

export interface CorpusReport {
  readonly target: string;
  readonly folder: string;
  /** Nouns of what is counted, the first ones with a rate. */
  readonly counted: readonly { readonly name: string; readonly hasRate: boolean }[];
  readonly remarks: readonly string[];
  readonly campaigns: readonly CampaignReport[];
  readonly findings: readonly ReportedFinding[];
  readonly refused: readonly { readonly name: string; readonly text: string }[];
  readonly inputs: number;
}

export interface CampaignReport
  extends Pick<
    CampaignState,
    "seed" | "shard" | "kernel" | "counts" | "elapsedMs" | "unconfirmed" | "digest" | "covered"
  > {
  readonly batches: number;
  readonly findings: number;
  readonly samples: readonly Sample[];
}

export interface ReportedFinding extends MergedFinding {
  /** Its text; absent when the file is gone. */
  readonly spec?: string;
}
