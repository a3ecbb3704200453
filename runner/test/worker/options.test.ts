// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { checkOptions } from "./options.ts";
import { nameOfCase } from "./rex-test.ts";

it("takes one required kernel option or several, without their prefix", () => {
  expect(checkOptions("a", { requires: { config: "FAILSLAB" } }).requiredConfig).toEqual(["FAILSLAB"]);
  expect(checkOptions("a", { requires: { config: ["KASAN", "SMP"] } }).requiredConfig).toHaveLength(2);
  expect(checkOptions("a", {}).requiredConfig).toEqual([]);
  expect(() => checkOptions("a", { requires: { config: "CONFIG_KASAN" } })).toThrow(/write FAILSLAB for/);
});

it("takes words for the kernel command line", () => {
  expect(checkOptions("a", { kernelParameters: ["maxcpus=1"] }).kernelParameters).toEqual(["maxcpus=1"]);
  expect(() => checkOptions("a", { kernelParameters: ["maxcpus=1 quiet"] })).toThrow(/not one word/);
});

it("names the cases of a test", () => {
  expect(nameOfCase("with $n of $what", { n: 2, what: "them" })).toBe("with 2 of them");
  expect(nameOfCase("$case is refused, for $5", "zero")).toBe("zero is refused, for $5");
});
