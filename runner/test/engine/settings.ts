// SPDX-License-Identifier: MIT
// What a run was asked to do.

import type { AcceleratorWish } from "../../../qemu/probes.ts";
import { RexTestError } from "../../support/errors.ts";
import type { GuestProvider, GuestWay } from "../guests/guest.ts";
import type { PausedTest } from "../host/guest-host.ts";
import type { Isolation } from "../host/protocol.ts";
import type { Prepared } from "./prepare.ts";
import type { Selection } from "./selection.ts";

/** Says where the guest can be reached, and resolves when it has been looked at, or the signal is aborted. */
export type Pause = (paused: PausedTest, say: (text: string) => void, signal: AbortSignal) => Promise<void>;

export interface RunSettings {
  readonly paths: readonly string[];
  readonly cwd: string;
  /** Which of the tests in `paths`; all of them if absent. */
  readonly selection?: Selection | undefined;
  /** Guests at a time. */
  readonly jobs: number;
  /** Kernel artifact folder; absent: the kernel of `config`. */
  readonly kernel: string | undefined;
  /** Config whose kernel is built if need be; absent: the default kernel, as the cache has it. */
  readonly config: string | undefined;
  /** Kernel source of the user's, from which the kernel is built. */
  readonly kernelTree?: string | undefined;
  readonly accelerator: AcceleratorWish;
  /** Whether guests are clones of one that was booted, where that is possible, or each is booted. */
  readonly guests: GuestWay;
  /** Of a test that does not say its own. */
  readonly timeoutMs: number;
  readonly bootLimitMs: number;
  /** Leaks are told with where in the spec they were acquired, which takes time. */
  readonly traceLeaks?: boolean | undefined;
  /** How many times longer limits of tests and calls are: a debugger stops the guest for as long as it likes. 1 if absent. */
  readonly patience?: number | undefined;
  /** Where guests come from instead of the usual place. */
  readonly provider?: ((prepared: Prepared) => GuestProvider) | undefined;
  /** Where what is kept of failures goes; absent: artifacts/ in `cwd`. */
  readonly artifacts?: string | undefined;
  /** Further attempts of a test that fails and does not say its own; 0 if absent. */
  readonly retry?: number | undefined;
  /** How often a test that does not say its own is run again although it passed; 0 if absent. */
  readonly repeats?: number | undefined;
  /** Of a test that does not say its own; "test" if absent. */
  readonly isolate?: Isolation | undefined;
  /** Failures after which the run ends; absent: it goes on. */
  readonly failFast?: number | undefined;
  /** The tests are run in the order that follows from it; absent: in the order of the files. */
  readonly shuffleSeed?: number | undefined;
  /** Snapshots that differ are written anew, not a failure. */
  readonly updateSnapshots?: boolean | undefined;
  /** Has the guest of a test that failed looked at before it is ended; absent: it is ended. */
  readonly pause?: Pause | undefined;
  /** Folder for which lines of the runtime ran; absent: nobody counts. */
  readonly coverage?: string | undefined;
  /** What does not pass is written down for --last-failed. */
  readonly remember?: boolean | undefined;
  /** Nobody watches: a snapshot that is missing and a test marked only are failures. */
  readonly ci?: boolean | undefined;
  readonly signal: AbortSignal;
}

export interface Filter {
  readonly text: string;
  readonly pattern: RegExp;
}

/** What CI services set for what they run. */
export function isCi(env: NodeJS.ProcessEnv = process.env): boolean {
  return !["", "0", "false", undefined].includes(env["CI"]);
}

/** Deno's rule: /…/ is a regular expression, anything else a text that the name contains. */
export function parseFilter(text: string): Filter {
  const source = /^\/(.*)\/$/s.exec(text)?.[1];
  try {
    return { text, pattern: source === undefined ? new RegExp(escapeRegExp(text)) : new RegExp(source) };
  } catch (error) {
    throw new RexTestError(`--filter ${text} is not a regular expression`, {
      outcome: "failure",
      cause: error,
    });
  }
}

export function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

/** Options that run one test alone: its file and a filter that matches its name and nothing longer. */
export function rerunCommand(file: string, name: string): string {
  return `rex-test run ${shellWord(file)} --filter ${shellWord(nameFilter(name))}`;
}

/** Matches this name and nothing longer. */
export function nameFilter(name: string): string {
  return `/^${escapeRegExp(name)}$/`;
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
