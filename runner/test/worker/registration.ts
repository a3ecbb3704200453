// SPDX-License-Identifier: MIT
// What a test's registration and its attempts tell the main process. Plain data: it travels in vitest's task meta.
import type {} from "vitest"; // for the augmentation below
import type { Verdict } from "../outcome/verdict.ts";

/** Known as soon as the spec is loaded. */
export interface Registration {
  readonly tags: readonly string[];
  /** Configs of the kernel that it asks for. */
  readonly kernel?: string | undefined;
  /** Why the spec has it ignored; absent when it is to be run. */
  readonly ignored?: string | undefined;
}

/** One run of a test. */
export interface Attempt {
  /** 0 for the first of the repetitions that the test asked for. */
  readonly repeat: number;
  readonly verdict: Verdict;
  /** Errors that vitest had of earlier attempts: those from here on are of this one. */
  readonly earlierErrors: number;
}

declare module "vitest" {
  interface TaskMeta {
    rexTest?: Registration;
    rexTestAttempts?: readonly Attempt[];
  }
}
