// SPDX-License-Identifier: MIT
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exists } from "../support/cache.ts";
import { Progress } from "../support/progress.ts";
import { failureLines } from "./build.ts";
import { applyChanges, compareListings, listFiles } from "./files.ts";
import { parsePins } from "./pins.ts";
import { obtainTarball, parseKernelVersion, resolveSource } from "./source.ts";
import { parseStep } from "./steps.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-source-"));
  process.env["REX_TEST_CACHE"] = join(folder, "cache");
});
afterEach(async () => {
  delete process.env["REX_TEST_CACHE"];
  delete process.env["REX_TEST_KERNEL_MIRROR"];
  await rm(folder, { recursive: true });
});

const quiet = () => new Progress({ write: () => true });
const contents = "not really a tarball";
const signal = AbortSignal.timeout(20_000);

function pinned(sha256: string) {
  const pin = { version: "6.12", url: "https://kernel.example/v6.x/linux-6.12.tar.xz", sha256 };
  return { kind: "kernel.org", series: "6.12", version: "6.12", id: "x", pin } as const;
}
const right = createHash("sha256").update(contents).digest("hex");

test("a download with the pinned checksum is kept, and not made again", async () => {
  await writeFile(join(folder, "linux-6.12.tar.xz"), contents);
  process.env["REX_TEST_KERNEL_MIRROR"] = `file://${folder}`;
  const path = await obtainTarball(pinned(right), quiet(), signal);
  expect(await readFile(path, "utf8")).toBe(contents);
  await rm(join(folder, "linux-6.12.tar.xz"));
  expect(await obtainTarball(pinned(right), quiet(), signal)).toBe(path);
});

test("one with another checksum is refused and nothing of it stays", async () => {
  await using server = await serve(200, `${contents} and more`);
  process.env["REX_TEST_KERNEL_MIRROR"] = server.url;
  const wrong = obtainTarball(pinned(right), quiet(), signal);
  await expect(wrong).rejects.toMatchObject({
    message: "the downloaded kernel source is not the pinned one",
    detail: expect.stringContaining(right),
  });
  expect(await exists(join(folder, "cache/sources/linux-6.12.tar.xz"))).toBe(false);
});

test("a server that refuses is said by its status", async () => {
  await using server = await serve(404, "");
  process.env["REX_TEST_KERNEL_MIRROR"] = server.url;
  await expect(obtainTarball(pinned(right), quiet(), signal)).rejects.toThrow(/the server answered 404/);
});

async function serve(status: number, body: string) {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("pins are checked when they are read", () => {
  expect([
    ...parsePins(`{"6.12":{"kernelOrg":{"version":"6.12","url":"u","sha256":"${right}"}}}`, "p").keys(),
  ]).toEqual(["6.12"]);
  expect(() => parsePins('{"6.12":{"kernelOrg":{"version":"6.12","url":"u","sha256":"abc"}}}', "p")).toThrow(
    "64 hex digits",
  );
});

test("a directory is a kernel of the right series, or refused", async () => {
  await expect(resolveSource(join(folder, "none"), "6.12")).rejects.toThrow("no such kernel source");
  await expect(resolveSource(folder, "6.12")).rejects.toThrow("not a Linux kernel tree");
  await writeFile(join(folder, "Makefile"), "VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 3\n");
  await expect(resolveSource(folder, "6.12")).rejects.toThrow("this tree is Linux 5.10.3");
  await writeFile(join(folder, "Makefile"), "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 9\nEXTRAVERSION =\n");
  const source = await resolveSource(folder, "6.12");
  expect(source).toMatchObject({ kind: "directory", version: "6.12.9" });
  await writeFile(join(folder, "new.c"), "");
  expect((await resolveSource(folder, "6.12")).id).not.toBe(source.id);
});

test("a kernel's version", () => {
  expect(parseKernelVersion("# c\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\n")).toBe(
    "6.12.117",
  );
  expect(parseKernelVersion("all:\n")).toBeUndefined();
});

test("a copy of a tree is brought up to date, and what a build left behind is not copied", async () => {
  const from = join(folder, "from");
  const to = join(folder, "to");
  for (const path of ["from/a", "from/include/config", "to"])
    await mkdir(join(folder, path), { recursive: true });
  await writeFile(join(from, "a/one.c"), "1");
  await writeFile(join(from, "a/vmlinux.lds.S"), "2");
  await writeFile(join(from, "a/one.o"), "built");
  await writeFile(join(from, "include/config/auto.conf"), "built");
  await symlink("one.c", join(from, "a/link"));
  const first = compareListings(await listFiles(from), await listFiles(to));
  expect(first).toEqual({ copy: ["a/link", "a/one.c", "a/vmlinux.lds.S"], remove: [] });
  await applyChanges(first, from, to, signal);
  expect(compareListings(await listFiles(from), await listFiles(to))).toEqual({ copy: [], remove: [] });
  await rm(join(from, "a/link"));
  await utimes(join(from, "a/one.c"), new Date(0), new Date(0));
  const second = compareListings(await listFiles(from), await listFiles(to));
  expect(second).toEqual({ copy: ["a/one.c"], remove: ["a/link"] });
  await applyChanges(second, from, to, signal);
  expect(compareListings(await listFiles(from), await listFiles(to))).toEqual({ copy: [], remove: [] });
});

test("make's lines", () => {
  expect(parseStep("  CC      kernel/fork.o")).toBe("kernel/fork.o");
  expect(parseStep("  HOSTCC  scripts/basic/fixdep")).toBe("scripts/basic/fixdep");
  expect(parseStep("  SYSHDR  arch/x86/include/generated/uapi/asm/unistd_64.h")).toBe(
    "arch/x86/include/generated/uapi/asm/unistd_64.h",
  );
  expect(parseStep("make[1]: Entering directory '/x'")).toBeUndefined();
  expect(parseStep("../kernel/a.c:1:2: error: no")).toBeUndefined();
});

test("of a failed build the complaints are shown, not what came after", () => {
  const log = [
    "  CC a.o",
    "  CC b.o",
    "b.c:1:2: error: expected ;",
    "make[2]: *** [b.o] Error 1",
    ...Array.from({ length: 90 }, () => "  CC z.o"),
  ].join("\n");
  expect(failureLines(log)).toContain("b.c:1:2: error: expected ;");
  expect(failureLines(log).split("\n").length).toBeLessThan(30);
  expect(failureLines("only\nthis")).toBe("only\nthis");
});
