// SPDX-License-Identifier: MIT
// The library that makes QEMU forkable, built for this machine's C library and kept in the cache.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cachePath, exists, publishFolder } from "../../runner/support/cache.ts";
import { mustRun } from "../../runner/support/process.ts";

const source = fileURLToPath(new URL("qemu-fork.c", import.meta.url));
const compiler = "cc";
const flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"];
const name = "qemu-fork.so";
const limitMs = 60_000;

/** Its path; what is missing to build it is said in the error. */
export async function forkLibrary(signal: AbortSignal): Promise<string> {
  const version = await mustRun(compiler, ["--version"], { signal, timeoutMs: limitMs });
  const inputs = [await readFile(source, "utf8"), version.stdout, flags.join(" ")];
  const key = createHash("sha256").update(inputs.join("\0")).digest("hex").slice(0, 16);
  const folder = cachePath("guests", `fork-${key}`);
  if (!(await exists(join(folder, name)))) {
    await publishFolder(folder, async (draft) => {
      await mustRun(compiler, [...flags, "-o", join(draft, name), source], { signal, timeoutMs: limitMs });
    });
  }
  return join(folder, name);
}
