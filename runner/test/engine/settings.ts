// SPDX-License-Identifier: MIT
// What a run was asked to do.

import type { AcceleratorWish } from "../../../qemu/probes.ts";
import { RexTestError } from "../../support/errors.ts";

export interface RunSettings {
  readonly paths: readonly string[];
  readonly cwd: string;
  readonly filter: Filter | undefined;
  /** Guests at a time. */
  readonly jobs: number;
  /** Kernel artifact folder; absent: the kernel of `config`. */
  readonly kernel: string | undefined;
  /** Config whose kernel is built if need be; absent: the default kernel, as the cache has it. */
  readonly config: string | undefined;
  readonly accelerator: AcceleratorWish;
  /** Whether guests are clones of one that was booted, where that is possible, or each is booted. */
  readonly guests: "clone" | "boot";
  /** Of a test that does not say its own. */
  readonly timeoutMs: number;
  readonly bootLimitMs: number;
  /** Leaks are told with where in the spec they were acquired, which takes time. */
  readonly traceLeaks?: boolean | undefined;
  /** Where what is kept of failures goes; absent: artifacts/ in `cwd`. */
  readonly artifacts?: string | undefined;
  readonly signal: AbortSignal;
}

export interface Filter {
  readonly text: string;
  readonly pattern: RegExp;
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
