// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { configOf, guestsAtOnce, withOptionalValues } from "./run-flags.ts";

it("gives flags without a value theirs, and leaves the paths behind them alone", () => {
  expect(withOptionalValues(["run", "--fail-fast", "specs", "--changed=main", "--changed"])).toEqual([
    "run",
    "--fail-fast=1",
    "specs",
    "--changed=main",
    "--changed=HEAD",
  ]);
  expect(withOptionalValues(["--shuffle"])[0]).toMatch(/^--shuffle=\d+$/);
  expect(withOptionalValues(["--", "--shuffle"])).toEqual(["--", "--shuffle"]);
});

it("takes the chosen kernel in the config that counts, unless it was built already", () => {
  expect(configOf({ coverage: "coverage" }, false)).toBe("coverage");
  expect(configOf({ coverage: "coverage", config: "lockdep" }, false)).toBe("lockdep,coverage");
  expect(configOf({ coverage: "coverage" }, true)).toBeUndefined();
  expect(configOf({ config: "lockdep" }, false)).toBe("lockdep");
});

it("has guests to run while others wait", () => {
  expect([1, 2, 3, 8].map(guestsAtOnce)).toEqual([2, 3, 5, 12]);
});
