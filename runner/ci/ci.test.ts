// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { asOutputs, cacheKeys } from "./keys.ts";
import { type KvmHost, openKvm } from "./kvm.ts";
import { needsDefaultKernel, runArguments } from "./run-arguments.ts";
import { splitWords } from "./words.ts";

describe("words of a workflow", () => {
  test.each([
    ["", []],
    ["  a\n b ", ["a", "b"]],
    ["--filter 'two words' x", ["--filter", "two words", "x"]],
    ['--filter="a \\" b"', ['--filter=a " b']],
    ["'' \\  '\\'", ["", " ", "\\"]],
    ["$(touch x) `y` ;z", ["$(touch", "x)", "`y`", ";z"]],
  ])("%j", (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  test("an open quote is told", () => {
    expect(() => splitWords("a 'b")).toThrow("a quote (') is not closed");
  });
});

describe("KVM", () => {
  /** A machine where a command of `opens` makes the device usable; those of `lacks` fail. */
  function machine(opens: string, lacks: readonly string[] = []) {
    const commands: string[] = [];
    let usable = false;
    const host: KvmHost = {
      exists: async () => opens !== "absent",
      isUsable: async () => usable,
      asRoot: async ([file = ""]) => {
        commands.push(file);
        if (lacks.includes(file)) return false;
        usable ||= file === opens;
        return true;
      },
    };
    return { host, commands };
  }

  test("a udev rule opens it", async () => {
    const { host, commands } = machine("udevadm");
    expect(await openKvm(host)).toBe("/dev/kvm can be used, by a udev rule");
    expect(commands).toEqual(["tee", "udevadm", "udevadm", "udevadm"]);
  });

  test("without udev chmod does", async () => {
    const { host, commands } = machine("chmod", ["udevadm"]);
    expect(await openKvm(host)).toBe("/dev/kvm can be used, by chmod");
    expect(commands).toEqual(["tee", "udevadm", "chmod"]);
  });

  test("without root, and without the device, guests are emulated", async () => {
    expect(await openKvm(machine("nothing", ["tee", "chmod"]).host)).toMatch(/guests are emulated/);
    const { host, commands } = machine("absent");
    expect(await openKvm(host)).toBe("this machine has no /dev/kvm: guests are emulated");
    expect(commands).toEqual([]);
  });
});

describe("keys of caches", () => {
  let project = "";
  beforeEach(async () => {
    project = await mkdtemp(join(tmpdir(), "rex-ci-"));
  });
  afterEach(() => rm(project, { recursive: true, force: true }));
  const keyOf = async (name: string, config?: string) =>
    (await cacheKeys(project, config)).find((key) => key.name === name)?.key ?? "";

  test("the same contents have the same keys, a changed program another one", async () => {
    const before = await cacheKeys(project);
    expect(await cacheKeys(project)).toEqual(before);
    await writeFile(join(project, "main.rs"), "fn main() {}");
    expect(await keyOf("programs")).not.toBe(before.find(({ name }) => name === "programs")?.key);
    expect(await keyOf("kernel")).toBe(before.find(({ name }) => name === "kernel")?.key);
  });

  test("what others installed or built has no say", async () => {
    const before = await keyOf("programs");
    await mkdir(join(project, "node_modules/other"), { recursive: true });
    await writeFile(join(project, "node_modules/other/lib.rs"), "");
    expect(await keyOf("programs")).toBe(before);
  });

  test("each config has its own kernel, and keys have no commas", async () => {
    expect(await keyOf("kernel", "lockdep,orc")).toMatch(/^rex-test-kernel-lockdep_orc-[0-9a-f]{16}$/);
    expect(await keyOf("kernel", "orc")).not.toBe(await keyOf("kernel"));
  });

  test("outputs name the folders of the cache", async () => {
    vi.stubEnv("REX_TEST_CACHE", "/cache");
    const outputs = asOutputs(await cacheKeys(project));
    vi.unstubAllEnvs();
    expect(outputs).toContain("kernel-folders<<END\n/cache/kernels\n/cache/ccache\nEND\n");
    expect(outputs).toContain("programs-folders<<END\n/cache/programs\n/cache/refusals\nEND\n");
    expect(outputs).toMatch(/^rust-key=rex-test-rust-[0-9a-f]{16}$/m);
  });
});

describe("the run", () => {
  test("has all reports; empty inputs are none", () => {
    const wish = { paths: ["specs"], config: "", shard: "1/4", arguments: "--retry 1", reports: "out" };
    expect(runArguments(wish).join(" ")).toBe(
      "--shard 1/4 --reporter pretty --reporter github --reporter html=out/report.html " +
        "--reporter junit=out/junit.xml --reporter jsonl=out/events.jsonl --retry 1 specs",
    );
  });

  test.each([
    [{}, true],
    [{ config: "", kernelTree: "" }, true],
    [{ config: "kasan" }, false],
    [{ kernelTree: "../linux" }, false],
    [{ arguments: "--kernel=k" }, false],
    [{ arguments: "--retry 2" }, true],
  ])("needs the default kernel with %j: %s", (wish, expected) => {
    vi.stubEnv("REX_TEST_KERNEL", "");
    expect(needsDefaultKernel({ paths: [], reports: "out", ...wish })).toBe(expected);
    vi.unstubAllEnvs();
  });
});
