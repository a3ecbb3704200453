// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { KernelConfig } from "../../runner/kernel/config.ts";
import { GuestRefusalError } from "../../runner/test/rpc/call-errors.ts";
import type { GuestApi } from "../../runner/test/worker/guest-api.ts";
import { faultOptions, Pressure } from "./pressure.ts";

const configOf = (...options: readonly string[]) =>
  ({ has: (option: string) => options.includes(option) }) as unknown as KernelConfig;
const lack = new GuestRefusalError({
  kind: "errno",
  blame: "kernel",
  message: "no memory",
  errno: 12,
  errnoName: "ENOMEM",
});

/** With what is written. */
async function prepared(config = configOf(...faultOptions)) {
  const written = new Map<string, string>();
  const writeFile = async (path: string, data: string) => void written.set(path, data);
  const pressure = await Pressure.prepare({ writeFile } as unknown as GuestApi, config, 60);
  const probabilities = () => {
    const all = [...written].filter(([path]) => path.endsWith("/probability"));
    return all.map(([path, value]) => `${path.split("/").at(-2)} ${value}`);
  };
  return { pressure, written, probabilities };
}

describe("Pressure", () => {
  it("is not there on a kernel that can't let allocations fail", async () => {
    const { pressure, written } = await prepared(configOf("FAILSLAB", "FAIL_PAGE_ALLOC"));
    expect(pressure).toBeUndefined();
    expect(written.size).toBe(0);
  });

  it("is on and off; only allocations that may not wait fail", async () => {
    const { pressure, written, probabilities } = await prepared();
    expect(probabilities()).toEqual([]);
    await pressure?.set(true);
    expect(probabilities()).toEqual(["failslab 60", "fail_page_alloc 60"]);
    await pressure?.set(false);
    expect(probabilities()).toEqual(["failslab 0", "fail_page_alloc 0"]);
    expect(written.get("/sys/kernel/debug/fail_page_alloc/min-order")).toBe("0");
    expect([...written.keys()].some((path) => path.includes("ignore-gfp"))).toBe(false);
  });

  it("spares what is refused for want of memory, and nothing else", async () => {
    const { pressure, probabilities } = await prepared();
    const under: string[] = [];
    const refuses = (error: Error) => async () => {
      under.push(probabilities()[0] ?? "");
      if (under.length === 1) throw error;
      return "done";
    };
    await pressure?.set(true);
    expect(await pressure?.spare(refuses(lack))).toBe("done");
    expect(under).toEqual(["failslab 60", "failslab 0"]);
    expect(probabilities()).toEqual(["failslab 60", "fail_page_alloc 60"]);
    under.length = 0;
    const other = new GuestRefusalError({
      kind: "errno",
      blame: "kernel",
      message: "no",
      errno: 22,
      errnoName: "EINVAL",
    });
    await expect(pressure?.spare(refuses(other))).rejects.toBe(other);
    // With memory enough it is the kernel's fault.
    await pressure?.set(false);
    under.length = 0;
    await expect(pressure?.spare(refuses(lack))).rejects.toBe(lack);
  });
});
