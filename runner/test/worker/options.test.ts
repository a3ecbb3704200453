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

it("takes two names for some options, and not both at once", () => {
  expect(checkOptions("a", { memory: 256 }).memoryMiB).toBe(256);
  expect(checkOptions("a", { timeout: 5, cpus: 2 }).timeoutMs).toBe(5);
  expect(() => checkOptions("a", { memory: 256, memoryMiB: 256 })).toThrow(/are the same option/);
});

it("says what is wrong with tags, reasons, counts, kernels and permissions", () => {
  expect(checkOptions("a", { tags: ["x", "x", "y"] }).tags).toEqual(["x", "y"]);
  expect(() => checkOptions("a", { tags: "a b" })).toThrow(/is not a tag/);
  expect(checkOptions("a", { ignore: "later" }).ignored).toBe("later");
  expect(() => checkOptions("a", { ignore: " " })).toThrow(/give a reason/);
  expect(() => checkOptions("a", { retry: -1 })).toThrow(/retry is -1/);
  expect(() => checkOptions("a", { kernel: "a b" })).toThrow(/the name of a config/);
  expect(() => checkOptions("a", { permissions: { net: true } as object })).toThrow(
    /there is no permission "net"; there are hostTools/,
  );
});
