// SPDX-License-Identifier: MIT
// The library that makes QEMU forkable, built for this machine's C library and kept in the cache.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cachePath, exists, publishFolder } from "../../runner/support/cache.ts";
import { mustRun } from "../../runner/support/process.ts";

const folderOfSources = fileURLToPath(new URL(".", import.meta.url));
const sources = ["server.c", "threads.c", "descriptors.c"].map((file) => join(folderOfSources, file));
const header = join(folderOfSources, "fork.h");
const compiler = "cc";
const flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"];
const name = "qemu-fork.so";
const limitMs = 60_000;

/** Its path; what is missing to build it is said in the error. */
export async function forkLibrary(signal: AbortSignal): Promise<string> {
  const version = await mustRun(compiler, ["--version"], { signal, timeoutMs: limitMs });
  const texts = await Promise.all([...sources, header].map((file) => readFile(file, "utf8")));
  const inputs = [...texts, version.stdout, flags.join(" ")];
  const key = createHash("sha256").update(inputs.join("\0")).digest("hex").slice(0, 16);
  const folder = cachePath("guests", `fork-${key}`);
  if (!(await exists(join(folder, name)))) {
    await publishFolder(folder, async (draft) => {
      await mustRun(compiler, [...flags, "-o", join(draft, name), ...sources], {
        signal,
        timeoutMs: limitMs,
      });
    });
  }
  return join(folder, name);
}
