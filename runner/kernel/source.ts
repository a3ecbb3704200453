// SPDX-License-Identifier: MIT
// Where a kernel's source comes from: the distribution's package, kernel.org's tarball, or a directory. Finding a source costs
// little and tells its identity; only `unpackInto` does the work, and only when nothing built from it is cached.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { cachePath, ensureFolder, exists, temporaryBeside } from "../support/cache.ts";
import { messageOf, RexTestError } from "../support/errors.ts";
import { mustRun } from "../support/process.ts";
import type { Progress } from "../support/progress.ts";
import { findDebianSource } from "./debian-source.ts";
import { listFiles, listingHash } from "./files.ts";
import { type Pin, readPins } from "./pins.ts";

export type Source =
  | {
      readonly kind: "debian";
      readonly series: string;
      readonly version: string;
      readonly id: string;
      readonly tarball: string;
    }
  | {
      readonly kind: "kernel.org";
      readonly series: string;
      readonly version: string;
      readonly id: string;
      readonly pin: Pin;
    }
  | {
      readonly kind: "directory";
      readonly series: string;
      readonly version: string;
      readonly id: string;
      readonly path: string;
    };

/** What the user reads: "debian 6.12.117-1~deb12u1". */
export function describeSource(source: Source): string {
  switch (source.kind) {
    case "debian":
      return source.id.replace("debian-", "debian ");
    case "kernel.org":
      return `kernel.org ${source.version}`;
    case "directory":
      return source.path;
  }
}

/** Resolves "--source debian|kernel.org|DIR"; without one: Debian's when it is there, else kernel.org's. */
export async function resolveSource(asked: string | undefined, series: string): Promise<Source> {
  if (asked === undefined || asked === "debian") {
    const debian = await findDebianSource(series);
    if (debian) {
      const version = /^\d+(\.\d+)+/.exec(debian.version)?.[0] ?? series;
      return { kind: "debian", series, version, id: `debian-${debian.version}`, tarball: debian.tarball };
    }
    if (asked === "debian") {
      throw new RexTestError(`the package linux-source-${series} is not installed`, {
        hint: "rex-test doctor --fix, or --source kernel.org",
      });
    }
  }
  if (asked === undefined || asked === "kernel.org") return await kernelOrgSource(series);
  return await directorySource(asked, series);
}

async function kernelOrgSource(series: string): Promise<Source> {
  const pins = await readPins();
  const pin = pins.get(series);
  if (!pin) {
    throw new RexTestError(`no tarball of series ${series} is pinned`, {
      where: "kernel/pins.json",
      hint: `--version ${[...pins.keys()].join(" or ")}, or --source DIR`,
    });
  }
  return {
    kind: "kernel.org",
    series,
    version: pin.version,
    id: `kernel.org-${pin.version}-${pin.sha256.slice(0, 12)}`,
    pin,
  };
}

async function directorySource(asked: string, series: string): Promise<Source> {
  const path = resolve(asked);
  const makefile = join(path, "Makefile");
  if (!(await exists(path))) {
    throw new RexTestError(`no such kernel source: ${asked}`, {
      where: path,
      hint: "--source debian, kernel.org, or a directory",
    });
  }
  const version = (await exists(makefile)) ? parseKernelVersion(await readFile(makefile, "utf8")) : undefined;
  if (version === undefined) {
    throw new RexTestError("this directory is not a Linux kernel tree", {
      where: makefile,
      hint: "its Makefile should start with VERSION, PATCHLEVEL and SUBLEVEL",
    });
  }
  if (!version.startsWith(`${series}.`) && version !== series) {
    throw new RexTestError(
      `this tree is Linux ${version}, and the hooks of series ${series} were asked for`,
      {
        where: path,
        hint: `--version ${version.split(".").slice(0, 2).join(".")}, if kernel/hooks has that folder`,
      },
    );
  }
  const hash = listingHash(await listFiles(path));
  return { kind: "directory", series, version, id: `dir-${basename(path)}-${hash.slice(0, 12)}`, path };
}

/** "6.12.117" from the first lines of a kernel's Makefile. */
export function parseKernelVersion(makefile: string): string | undefined {
  const field = (name: string) => new RegExp(`^${name} = ?(\\d*)$`, "m").exec(makefile)?.[1];
  const [version, patchlevel, sublevel] = [field("VERSION"), field("PATCHLEVEL"), field("SUBLEVEL")];
  if (!version || !patchlevel) return undefined;
  return sublevel ? `${version}.${patchlevel}.${sublevel}` : `${version}.${patchlevel}`;
}

/** The tarball of a source that is one; kernel.org's is downloaded and verified first. */
export async function obtainTarball(
  source: Exclude<Source, { kind: "directory" }>,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  if (source.kind === "debian") return source.tarball;
  const path = cachePath("sources", basename(new URL(source.pin.url).pathname));
  if ((await exists(path)) && (await sha256Of(path)) === source.pin.sha256) return path;
  await ensureFolder(dirname(path));
  const temporary = temporaryBeside(path);
  try {
    await download(downloadUrl(source.pin.url), temporary, progress, signal);
    await verifyChecksum(temporary, source.pin.sha256, source.pin.url);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  progress.done();
  return path;
}

/** REX_TEST_KERNEL_MIRROR replaces everything before the file's name: a mirror, or a file:// folder. */
function downloadUrl(url: string): string {
  const mirror = process.env.REX_TEST_KERNEL_MIRROR;
  return mirror ? `${mirror.replace(/\/+$/, "")}/${basename(new URL(url).pathname)}` : url;
}

export async function verifyChecksum(path: string, wanted: string, origin: string): Promise<void> {
  const got = await sha256Of(path);
  if (got === wanted) return;
  throw new RexTestError("the downloaded kernel source is not the pinned one", {
    where: origin,
    detail: `sha256 wanted ${wanted}\nsha256 got    ${got}`,
    hint: "try again; if it stays, the download is not what kernel.org published (a proxy's page, or worse)",
  });
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

const stalledMs = 60_000;

async function download(url: string, path: string, progress: Progress, signal: AbortSignal): Promise<void> {
  const what = `downloading ${basename(path)
    .replace(/^\.tmp-/, "")
    .replace(/-\d+-[0-9a-f]{8}$/, "")}`;
  progress.update({ what });
  if (url.startsWith("file:")) {
    await pipeline(createReadStream(fileURLToPath(url)), createWriteStream(path), { signal });
    return;
  }
  const stalled = new AbortController();
  const watchdog = setTimeout(
    () => stalled.abort(new Error(`nothing arrived for ${stalledMs / 1000} s`)),
    stalledMs,
  );
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, stalled.signal]) });
    if (!response.ok || !response.body)
      throw new Error(`the server answered ${response.status} ${response.statusText}`);
    const total = Number(response.headers.get("content-length") ?? 0);
    let done = 0;
    const body = Readable.fromWeb(response.body);
    body.on("data", (chunk: Uint8Array) => {
      done += chunk.length;
      watchdog.refresh();
      progress.update({ what, done: Math.floor(done / 1e6), total: Math.ceil(total / 1e6), unit: "MB" });
    });
    await pipeline(body, createWriteStream(path), { signal });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const cause = stalled.signal.aborted ? messageOf(stalled.signal.reason) : messageOf(error);
    throw new RexTestError(`cannot download the kernel source: ${cause}`, {
      where: url,
      hint: "set REX_TEST_KERNEL_MIRROR to a mirror that can be reached (http, https or file), or use --source DIR",
      cause: error,
    });
  } finally {
    clearTimeout(watchdog);
  }
}

/** Unpacks a tarball into a folder, without its top folder. */
export async function unpackTarball(
  tarball: string,
  folder: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const what = `unpacking ${basename(tarball)}`;
  // A kernel tarball grows about elevenfold; tar reports the bytes it wrote in records of 10 kB.
  const total = Math.round(((await stat(tarball)).size * 10.6) / 1e6);
  progress.update({ what, done: 0, total, unit: "MB" });
  await mustRun(
    "tar",
    [
      "--extract",
      "--file",
      tarball,
      "--directory",
      folder,
      "--strip-components=1",
      "--no-same-owner",
      "--checkpoint=1000",
      "--checkpoint-action=echo=%u",
    ],
    {
      what,
      signal,
      timeoutMs: 20 * 60_000,
      dieWithParent: true,
      env: { LC_ALL: "C", XZ_OPT: "-T0" },
      onLine: (line) => {
        const records = Number(/(\d+)\s*$/.exec(line)?.[1]);
        if (records > 0)
          progress.update({ what, done: Math.round((records * 10_240) / 1e6), total, unit: "MB" });
      },
    },
  );
  progress.done();
}
