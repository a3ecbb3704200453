// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { countOutcomes, exitCodeOf, type OutcomeKind } from "./outcome.ts";

const codeOf = (...kinds: OutcomeKind[]) => exitCodeOf(countOutcomes(kinds));

it("has KernelCI's exit codes", () => {
  expect(codeOf("passed", "passed")).toBe(0);
  expect(codeOf("passed", "failed")).toBe(1);
  expect(codeOf("passed", "guest-hung")).toBe(1);
  expect(codeOf("passed", "infrastructure-failed")).toBe(2);
  expect(codeOf("passed", "never-ran")).toBe(2);
  expect(codeOf("passed", "kernel-crashed")).toBe(64);
});

it("lets the gravest outcome decide", () => {
  expect(codeOf("infrastructure-failed", "failed")).toBe(1);
  expect(codeOf("infrastructure-failed", "failed", "kernel-crashed", "never-ran")).toBe(64);
});
