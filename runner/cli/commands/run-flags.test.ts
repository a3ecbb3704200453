// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { withOptionalValues } from "./run-flags.ts";

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
