// SPDX-License-Identifier: MIT
// Debian's packaged kernel source: a tarball that linux-source-X.Y puts under /usr/src, or that `doctor --fix` unpacked
// into the cache.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cachePath, exists } from "../support/cache.ts";
import { runProcess } from "../support/process.ts";

export interface DebianSource {
  readonly tarball: string;
  /** Version of the package, "6.12.117-1~deb12u1". */
  readonly version: string;
}

/** Where `doctor --fix` unpacks the package when it can't be installed. */
export function privateSourceRoot(series: string): string {
  return cachePath("debs", `linux-source-${series}`);
}

export async function findDebianSource(series: string): Promise<DebianSource | undefined> {
  const name = `linux-source-${series}`;
  for (const root of ["", privateSourceRoot(series)]) {
    const tarball = `${root}/usr/src/${name}.tar.xz`;
    if (!(await exists(tarball))) continue;
    return { tarball, version: root ? await privateVersion(root) : await installedVersion(name) };
  }
  return undefined;
}

async function installedVersion(name: string): Promise<string> {
  const finished = await runProcess("dpkg-query", ["-W", "-f", "${Version}", name], { timeoutMs: 10_000 });
  return finished.stdout.trim() || "unknown";
}

async function privateVersion(root: string): Promise<string> {
  const manifest = join(root, "packages.txt");
  const text = (await exists(manifest)) ? await readFile(manifest, "utf8") : "";
  return /^linux-source-\S+ (\S+)$/m.exec(text)?.[1] ?? "unknown";
}
