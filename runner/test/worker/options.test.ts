// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { checkOptions } from "./options.ts";
import { userOnWire } from "./permissions.ts";
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
  expect(() => checkOptions("a", { permissions: { camera: true } as object })).toThrow(
    /there is no permission "camera"; there are hostTools, net, disk, user/,
  );
});

it("gives nothing that was not asked for, and wants the drivers of what was", () => {
  const nothing = { hostTools: false, net: undefined, diskMiB: undefined, user: false };
  expect(checkOptions("a", {}).permissions).toEqual(nothing);
  expect(checkOptions("a", { permissions: { net: false } }).permissions).toEqual(nothing);
  const all = checkOptions("a", { permissions: { net: true, disk: 16 }, requires: { config: "SMP" } });
  expect(all.permissions).toEqual({ ...nothing, net: "restricted", diskMiB: 16 });
  expect(all.requiredConfig).toEqual(["SMP", "VIRTIO_NET", "VIRTIO_BLK"]);
  expect(checkOptions("a", { permissions: { net: "open" } }).permissions.net).toBe("open");
  expect(() => checkOptions("a", { permissions: { net: "all" as "open" } })).toThrow(/true, false or "open"/);
  for (const disk of [0, 1.5, 65_537])
    expect(() => checkOptions("a", { permissions: { disk } })).toThrow(/whole number of MiB/);
});

it("takes a user by its number, or with more about it", () => {
  expect(userOnWire(1000)).toEqual({ uid: 1000 });
  expect(userOnWire({ uid: 1, gid: 2, capabilities: ["CAP_BPF"] })).toEqual({
    uid: 1,
    gid: 2,
    capabilities: ["CAP_BPF"],
  });
  for (const uid of [-1, 0.5, 2 ** 32 - 1]) expect(() => userOnWire(uid)).toThrow(/number of a user/);
});
