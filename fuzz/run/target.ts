// SPDX-License-Identifier: MIT
// What can be fuzzed. A target is one file that exports a Target, and one line in targets.ts; the campaign has the clock, the numbers, the
// state and the findings, and a target makes batches and looks at what becomes of them:
//
//   for each job: work() asks campaign.nextBatch() for the number of a batch, makes it of the seed and that number, runs it, hands each
//   complaint to campaign.follow(), and gives campaign.finishBatch() what the batch counts. The loop is in worker.ts, for targets with guests
//   and without.
//
// A batch depends on nothing but the seed and its number (and on the corpus, where there is guidance): that is what makes campaigns the same
// on two runs, lets them go on where they stopped, and shards be parts of one campaign.
import type { Campaign } from "./campaign.ts";
import type { GuestSource } from "./fuzz-guest.ts";
import type { Guidance } from "./guidance.ts";
import type { Compile } from "./object.ts";
import type { BatchOutcome, Counts } from "./state.ts";
import type { Complaint, Oracle } from "./trial.ts";

export type { BatchOutcome, Counts };

export interface Target {
  /** On the command line. */
  readonly name: string;
  /** For --help. */
  readonly summary: string;
  /** Its guests watch what runs of the crate, where there is guidance. */
  readonly runsTheCrate?: boolean;
  /** What its batches count, in the order in which the reader is told. The first is the target's inputs. */
  readonly counted: readonly Counted[];
  /** Those that may have something to say. */
  readonly oracles: readonly Oracle[];
  /** What else the numbers say, such as "99.98 % compile". */
  readonly remarks?: (counts: Counts) => readonly string[];
  /** Works until there are no more batches. Called once for each job. */
  work(lab: Lab): Promise<void>;
}

export interface Counted {
  /** A noun in the plural. */
  readonly name: string;
  /** Told per second too. */
  readonly hasRate: boolean;
}

/** What a target works with. */
export interface Lab {
  readonly campaign: Campaign;
  readonly guests: GuestSource;
  readonly compile: Compile;
  /** Absent on a kernel that does not count what runs. */
  readonly guidance?: Guidance | undefined;
}

/** A complaint after it was looked into: how often fresh guests had it again, and the test that fails because of it. */
export interface Traced {
  readonly complaint: Complaint;
  readonly reproduced: number;
  readonly attempts: number;
  /** The smallest input that brings it about, for the reader. */
  readonly input?: string | undefined;
  /** The same as JSON, for the corpus. */
  readonly kept?: unknown;
  /** A spec that fails by itself; `path` is where it will be, for its head. */
  spec(path: string): string;
}
