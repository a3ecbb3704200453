// SPDX-License-Identifier: MIT
// What a matcher gives back to vitest, and the words they share.

/** What a matcher finds: whether it holds, and what is said when that is not what was expected. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
  /** With `expected`: shown as a diff. */
  readonly actual?: unknown;
  readonly expected?: unknown;
}

export type Pattern = string | RegExp;

/** A string has to occur, a regular expression has to match. */
export function matches(pattern: Pattern, text: string): boolean {
  return typeof pattern === "string" ? text.includes(pattern) : pattern.test(text);
}

/** Values of `actual` where they satisfy the pattern, the pattern where they don't: so that a diff shows what is wrong and nothing else. */
export function shownFor(pattern: Pattern | undefined, actual: string | undefined): unknown {
  if (pattern === undefined || (actual !== undefined && matches(pattern, actual))) return actual;
  return pattern;
}
