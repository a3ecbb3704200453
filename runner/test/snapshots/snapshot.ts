// SPDX-License-Identifier: MIT
// A finished snapshot: a folder of the cache with the RAM, the state of the devices, and what was said during the boot.
// It is held by open descriptors, so that clones of it can be made also when somebody removes the folder meanwhile.
import { type FileHandle, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Hello, LogRecord } from "../../protocol/generated.ts";
import { type Checksum, checksumOf, isIntact } from "../../support/checksum.ts";
import { errnoOf } from "../../support/errors.ts";
import type { SnapshotIdentity } from "./identity.ts";

export const fileNames = {
  ram: "ram",
  state: "state",
  boot: "boot.json",
  manifest: "snapshot.json",
} as const;

/** What happened before the snapshot, which every clone has lived through. */
export interface BootRecord {
  readonly hello: Hello;
  readonly console: string;
  readonly log: readonly LogRecord[];
}

export interface Manifest extends SnapshotIdentity {
  readonly ram: Checksum;
  readonly state: Checksum;
  readonly boot: Checksum;
}

export class Snapshot implements AsyncDisposable {
  readonly folder: string;
  readonly boot: BootRecord;
  readonly #ram: FileHandle;
  readonly #state: FileHandle;
  readonly #manifest: Manifest;

  private constructor(
    folder: string,
    manifest: Manifest,
    boot: BootRecord,
    files: { readonly ram: FileHandle; readonly state: FileHandle },
  ) {
    this.folder = folder;
    this.boot = boot;
    this.#manifest = manifest;
    this.#ram = files.ram;
    this.#state = files.state;
  }

  get ramDescriptor(): number {
    return this.#ram.fd;
  }

  /** The state, to be read from its beginning by one clone; the caller closes it. */
  openState(): Promise<FileHandle> {
    return open(`/proc/self/fd/${this.#state.fd}`, "r");
  }

  /** Reads all of it again: did it change under us? */
  async isIntact(): Promise<boolean> {
    return (
      (await isIntact(this.#ram, this.#manifest.ram, true)) &&
      (await isIntact(this.#state, this.#manifest.state, true))
    );
  }

  /** The snapshot in a folder; undefined when there is none, or one that is damaged. */
  static async open(folder: string, identity: SnapshotIdentity): Promise<Snapshot | undefined> {
    const manifest = await readManifest(folder);
    if (manifest?.key !== identity.key) return undefined;
    const files = await openAll(folder);
    if (files === undefined) return undefined;
    const { ram, state, boot: bootFile } = files;
    const whole = await Promise.all([
      isIntact(ram, manifest.ram),
      isIntact(state, manifest.state),
      isIntact(bootFile, manifest.boot),
    ]);
    const boot = whole.every(Boolean) ? parseBoot(await bootFile.readFile("utf8")) : undefined;
    await bootFile.close();
    if (boot !== undefined) return new Snapshot(folder, manifest, boot, files);
    await Promise.all([ram.close(), state.close()]);
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#ram.close(), this.#state.close()]);
  }
}

/** Completes a folder that has the RAM and the state in it. */
export async function seal(folder: string, identity: SnapshotIdentity, boot: BootRecord): Promise<void> {
  await writeFile(join(folder, fileNames.boot), JSON.stringify(boot));
  const sums: Partial<Record<"ram" | "state" | "boot", Checksum>> = {};
  for (const name of ["ram", "state", "boot"] as const) {
    await using file = await open(join(folder, fileNames[name]), "r");
    sums[name] = await checksumOf(file);
  }
  await writeFile(join(folder, fileNames.manifest), `${JSON.stringify({ ...identity, ...sums }, null, 2)}\n`);
}

/** The description of the snapshot in a folder; undefined when it can't be read as one. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(folder, fileNames.manifest), "utf8"));
    return isManifest(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

async function openAll(
  folder: string,
): Promise<{ ram: FileHandle; state: FileHandle; boot: FileHandle } | undefined> {
  const opened: FileHandle[] = [];
  try {
    const next = async (name: string) => {
      const file = await open(join(folder, name), "r");
      opened.push(file);
      return file;
    };
    return {
      ram: await next(fileNames.ram),
      state: await next(fileNames.state),
      boot: await next(fileNames.boot),
    };
  } catch (error) {
    for (const file of opened) await file.close();
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function isManifest(value: unknown): value is Manifest {
  if (!isRecord(value)) return false;
  const named = ["key", "kernel", "hostBoot"].every((name) => typeof value[name] === "string");
  return named && ["ram", "state", "boot"].every((name) => isChecksum(value[name]));
}

function isChecksum(value: unknown): value is Checksum {
  return (
    isRecord(value) &&
    typeof value["bytes"] === "number" &&
    typeof value["digest"] === "string" &&
    typeof value["stamp"] === "string"
  );
}

function parseBoot(text: string): BootRecord | undefined {
  const value: unknown = JSON.parse(text);
  return isRecord(value) &&
    isRecord(value["hello"]) &&
    typeof value["console"] === "string" &&
    Array.isArray(value["log"])
    ? (value as unknown as BootRecord)
    : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
