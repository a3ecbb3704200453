// SPDX-License-Identifier: MIT
// Libraries that QEMU loads, by LD_PRELOAD or as its plugins: built with the machine's C compiler, for its C library, and kept in the cache.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cachePath, exists, publishFolder } from "../runner/support/cache.ts";
import { mustRun } from "../runner/support/process.ts";

const compiler = "cc";
const usualFlags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"];
const limitMs = 60_000;

export interface LibrarySources {
  /** "fork": of its folder in the cache, and of qemu-fork.so in it. */
  readonly name: string;
  readonly sources: readonly string[];
  readonly headers: readonly string[];
  /** Beside the usual ones. */
  readonly flags?: readonly string[];
}

/** Its path; what is missing to build it is said in the error. */
export async function qemuLibrary(library: LibrarySources, signal: AbortSignal): Promise<string> {
  const { name, sources, headers } = library;
  const flags = [...usualFlags, ...(library.flags ?? [])];
  const version = await mustRun(compiler, ["--version"], { signal, timeoutMs: limitMs });
  const texts = await Promise.all([...sources, ...headers].map((file) => readFile(file, "utf8")));
  const inputs = [...texts, version.stdout, flags.join(" ")];
  const key = createHash("sha256").update(inputs.join("\0")).digest("hex").slice(0, 16);
  const folder = cachePath("guests", `${name}-${key}`);
  const file = `qemu-${name}.so`;
  if (!(await exists(join(folder, file)))) {
    await publishFolder(folder, async (draft) => {
      await mustRun(compiler, [...flags, "-o", join(draft, file), ...sources], {
        signal,
        timeoutMs: limitMs,
      });
    });
  }
  return join(folder, file);
}
