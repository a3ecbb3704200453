// SPDX-License-Identifier: MIT
// Has a file changed since it was published? Its time stamps tell for nothing; where they differ (the cache was copied, or
// somebody wrote to it) its contents tell. Against damage, not against malice: whoever can write to the cache can replace it.
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";

const blockBytes = 1024 * 1024;

export interface Checksum {
  readonly bytes: number;
  /** Over the CRCs of all blocks. */
  readonly digest: string;
  /** The file at which this was found to be true. */
  readonly stamp: string;
}

export async function checksumOf(file: FileHandle): Promise<Checksum> {
  const stamp = await stampOf(file);
  const digest = createHash("sha256");
  const block = Buffer.allocUnsafe(blockBytes);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await file.read(block, 0, blockBytes, bytes);
    if (bytesRead === 0) break;
    digest.update(`${bytesRead} ${crc32(block.subarray(0, bytesRead))}\n`);
    bytes += bytesRead;
  }
  return { bytes, digest: digest.digest("hex"), stamp };
}

/** Whether the file is what it was. `thorough` reads it in any case. */
export async function isIntact(file: FileHandle, expected: Checksum, thorough = false): Promise<boolean> {
  if (!thorough && (await stampOf(file)) === expected.stamp) return true;
  const { bytes, digest } = await checksumOf(file);
  return bytes === expected.bytes && digest === expected.digest;
}

/** Every write changes the ctime, and nobody can set it. */
async function stampOf(file: FileHandle): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}
