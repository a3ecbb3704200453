// SPDX-License-Identifier: MIT
// Matchers that a project adds to ours.
import { expect } from "vitest";
import type { MatcherResult } from "./result.ts";

/**
 * Where a project declares its matchers, so that `t.expect` has them.
 *
 * @example
 * declare module "rex-test" {
 *   interface OwnMatchers {
 *     toTakeLessThan(ns: number): void;
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled from outside
export interface OwnMatchers {}

/** Gets what `t.expect` was given, then the arguments of the call. */
export type Matcher = (actual: never, ...expected: never[]) => MatcherResult | Promise<MatcherResult>;

/** Adds matchers to `t.expect`, by their names. A spec that uses them imports the module that calls this. */
export function addMatchers(matchers: Readonly<Record<string, Matcher>>): void {
  expect.extend(matchers as Parameters<typeof expect.extend>[0]);
}
