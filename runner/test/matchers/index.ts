// SPDX-License-Identifier: MIT
// Teaches vitest's expect the matchers of rex-test.
import { type Assertion, type ExpectStatic, expect } from "vitest";
import { toBeHealthy, toHoldNoResources } from "./guests.ts";
import type { OwnMatchers } from "./own.ts";
import { toHaveStackBelow } from "./programs.ts";
import { toBeRejectedByCompiler, toBeRejectedByLoader, toBeRejectedByVerifier } from "./rejections.ts";
import type { Pattern } from "./result.ts";
import {
  type ExpectedExit,
  type ExpectedTimeout,
  toExitGracefully,
  toOverflowStack,
  toReturn,
  toTimeOut,
} from "./runs.ts";

expect.extend({
  toReturn,
  toExitGracefully,
  toTimeOut,
  toOverflowStack,
  toBeHealthy,
  toHoldNoResources,
  toHaveStackBelow,
  toBeRejectedByLoader,
  toBeRejectedByCompiler,
  toBeRejectedByVerifier,
});

declare module "vitest" {
  // The type parameters have to be those of the interface that this extends.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  interface Matchers<T = any> {
    /** A program ended abnormally, as described, and the system call came back nevertheless. */
    toExitGracefully(expected?: ExpectedExit): void;
    /** A program ran too long and was ended, in good time. */
    toTimeOut(expected?: ExpectedTimeout): void;
    /** A program needed more stack than it may use and was ended. */
    toOverflowStack(expected?: Omit<ExpectedExit, "reason">): void;
    /** The kernel answers on every CPU, is not tainted and has complained about nothing. */
    toBeHealthy(): Promise<void>;
    /** No program has returned without releasing what it acquired. */
    toHoldNoResources(): Promise<void>;
    /** The program has run, and neither the bound of its stack, if there is one, nor what it used reaches this. */
    toHaveStackBelow(bytes: number): Promise<void>;
    /** The kernel's loader refuses, with a sentence that matches. */
    toBeRejectedByLoader(pattern?: Pattern): Promise<void>;
    /** The builder refuses, with diagnostics that match. */
    toBeRejectedByCompiler(pattern?: Pattern): Promise<void>;
    /** The kernel's eBPF verifier refuses, with a log that matches. */
    toBeRejectedByVerifier(pattern?: Pattern): Promise<void>;
  }
}

/** What `t.expect(value)` gives. vitest's own toReturn, which is about mocks, gives way to ours. */
export interface RexAssertion<T> extends Omit<Assertion<T>, "toReturn" | "not">, OwnMatchers {
  /** The system call returned this number, or failed with this errno ("EBADF"). */
  toReturn(expected: number | bigint | string): void;
  readonly not: RexAssertion<T>;
}

/** `t.expect`: vitest's expect with the matchers for runs, guests and programs. */
export type RexExpect = Pick<ExpectStatic, keyof ExpectStatic> &
  (<T>(actual: T, message?: string) => RexAssertion<T>);
