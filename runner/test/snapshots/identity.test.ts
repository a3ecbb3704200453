// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { Machine } from "../../../qemu/machine.ts";
import { type Surroundings, snapshotKey } from "./identity.ts";

const machine: Machine = {
  type: "microvm",
  accelerator: "tcg",
  cpus: 1,
  memoryMiB: 128,
  kernel: "/cache/kernels/a/vmlinux",
  initrd: "/cache/guests/initramfs-1.cpio",
  tscKhz: 2_000_000,
  agentPort: "org.rex-test.agent",
};
const surroundings: Surroundings = {
  hostBoot: "boot-1",
  host: ["machine", "cpu", "6.1.0", "QEMU 7.2.22", "17 1000 1"],
  kernelDigest: "kernel-1",
  initrdDigest: "initrd-1",
};
const key = snapshotKey(machine, surroundings);

describe("snapshotKey", () => {
  it.each<[string, Partial<Machine>]>([
    ["type", { type: "q35" }],
    ["accelerator", { accelerator: "kvm" }],
    ["CPUs", { cpus: 2 }],
    ["memory", { memoryMiB: 256 }],
    ["TSC", { tscKhz: 2_000_001 }],
    ["kernel command line", { append: ["maxcpus=1"] }],
    ["devices", { hostShare: { path: "/", tag: "hostroot" } }],
    ["network", { net: "restricted" }],
    ["disk", { diskMiB: 16 }],
  ])("is another one with other %s", (_, change) => {
    expect(snapshotKey({ ...machine, ...change }, surroundings)).not.toBe(key);
  });

  it("tells an open network from a restricted one, and disks by their size", () => {
    const changes: Partial<Machine>[] = [
      { net: "restricted" },
      { net: "open" },
      { diskMiB: 16 },
      { diskMiB: 17 },
    ];
    const keys = changes.map((change) => snapshotKey({ ...machine, ...change }, surroundings));
    expect(new Set([key, ...keys]).size).toBe(5);
  });

  it.each<[string, Partial<Surroundings>]>([
    ["boot of the host", { hostBoot: "boot-2" }],
    ["QEMU", { host: ["machine", "cpu", "6.1.0", "QEMU 10.0", "17 1000 1"] }],
    ["kernel", { kernelDigest: "kernel-2" }],
    ["agent", { initrdDigest: "initrd-2" }],
  ])("is another one with another %s", (_, change) => {
    expect(snapshotKey(machine, { ...surroundings, ...change })).not.toBe(key);
  });

  it("goes by the contents of kernel and initramfs, not by their names", () => {
    expect(snapshotKey({ ...machine, kernel: "/elsewhere/vmlinux", initrd: "/x" }, surroundings)).toBe(key);
  });
});
