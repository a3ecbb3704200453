// SPDX-License-Identifier: MIT
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { KernelConfig, readKernelConfig } from "./config.ts";
import { parseSettings } from "./fragment.ts";

const config = new KernelConfig(
  parseSettings(
    'CONFIG_PROVE_LOCKING=y\nCONFIG_HZ=250\n# CONFIG_KASAN is not set\nCONFIG_LSM="lockdown"\n',
    "x",
  ),
);

it("knows what is on, off and set to something else", () => {
  expect(config.has("PROVE_LOCKING")).toBe(true);
  expect(config.has("CONFIG_PROVE_LOCKING")).toBe(true);
  expect(config.has("KASAN")).toBe(false);
  expect(config.has("NEVER_HEARD_OF")).toBe(false);
  expect(config.get("HZ")).toBe("250");
  expect(config.has("HZ")).toBe(false);
  expect(config.get("LSM")).toBe('"lockdown"');
  expect(config.get("KASAN")).toBeUndefined();
});

it("gives a slow kernel more time and memory, and a plain one no more", () => {
  expect(config.slowness.time).toBeGreaterThan(1);
  expect(new KernelConfig(new Map([["KASAN", "n"]])).slowness).toEqual({ time: 1, memory: 1 });
  expect(new KernelConfig(new Map([["KASAN", "y"]])).slowness.memory).toBeGreaterThan(1);
});

it("goes to another thread and back", () => {
  const copy = KernelConfig.fromRecord(structuredClone(config.toRecord()));
  expect(copy.has("PROVE_LOCKING")).toBe(true);
  expect(copy.has("KASAN")).toBe(false);
});

it("is empty for a kernel that comes without one", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rex-test-config-"));
  try {
    expect((await readKernelConfig(folder)).has("SMP")).toBe(false);
    await writeFile(join(folder, "config"), "CONFIG_SMP=y\n");
    expect((await readKernelConfig(folder)).has("SMP")).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});
