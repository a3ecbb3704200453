// SPDX-License-Identifier: MIT
// The snapshots of the cache: found, made where they are missing or damaged, and dropped when they are of no use any more.
import { rm, statfs, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Machine } from "../../../qemu/machine.ts";
import { cachePath, ensureFolder, publishFolder } from "../../support/cache.ts";
import { RexTestError } from "../../support/errors.ts";
import { formatBytes } from "../../support/format.ts";
import { withLock } from "../../support/lock.ts";
import { type SnapshotIdentity, snapshotIdentity } from "./identity.ts";
import { dropUseless } from "./prune.ts";
import { type BootRecord, Snapshot, seal } from "./snapshot.ts";

/** Left to others when a snapshot is made. */
const spareBytes = 256 * 1024 * 1024;

/** Leaves RAM and state of the booted machine in a folder. */
export type MakeTemplate = (folder: string) => Promise<BootRecord>;

/** The snapshot of a machine, which is made if need be. What `makeTemplate` throws is thrown. */
export async function provideSnapshot(
  machine: Machine,
  makeTemplate: MakeTemplate,
  signal: AbortSignal,
): Promise<Snapshot> {
  const identity = await snapshotIdentity(machine);
  const folder = join(cachePath("snapshots"), identity.key);
  const found = await openUsed(folder, identity);
  if (found !== undefined) return found;
  return await withLock(
    `snapshot-${identity.key}`,
    // Another process may have made it meanwhile.
    async () => (await openUsed(folder, identity)) ?? (await make(machine, makeTemplate, folder, identity)),
    { signal },
  );
}

/** Removes a snapshot that turned out to be of no use. Clones that run keep their memory. */
export async function discardSnapshot(snapshot: Snapshot): Promise<void> {
  await rm(snapshot.folder, { recursive: true, force: true });
}

async function make(
  machine: Machine,
  makeTemplate: MakeTemplate,
  folder: string,
  identity: SnapshotIdentity,
): Promise<Snapshot> {
  await ensureFolder(cachePath("snapshots"));
  // What is there can't be used, or it would have been found.
  await rm(folder, { recursive: true, force: true });
  await dropUseless(identity.hostBoot);
  await requireRoom(machine.memoryMiB * 1024 * 1024);
  await publishFolder(folder, async (temporary) => seal(temporary, identity, await makeTemplate(temporary)));
  const snapshot = await Snapshot.open(folder, identity);
  if (snapshot === undefined)
    throw new RexTestError("a snapshot was damaged as soon as it was made", { where: folder });
  return snapshot;
}

async function openUsed(folder: string, identity: SnapshotIdentity): Promise<Snapshot | undefined> {
  const snapshot = await Snapshot.open(folder, identity);
  // The folder's time says when it was last of use; that it can't be set is no reason not to use it.
  if (snapshot !== undefined) await utimes(folder, new Date(), new Date()).catch(() => undefined);
  return snapshot;
}

async function requireRoom(bytes: number): Promise<void> {
  const path = cachePath("snapshots");
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  if (free >= bytes + spareBytes) return;
  throw new RexTestError(
    `a snapshot can take ${formatBytes(bytes)}, and only ${formatBytes(free)} are free`,
    {
      where: path,
    },
  );
}
