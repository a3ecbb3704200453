// SPDX-License-Identifier: MIT
// What the plugin has noted in a machine: blocks of code that were translated because the guest was about to run them.
import { randomBytes } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Code from the first address up to the last, which is not part of it. */
export interface Block {
  readonly start: bigint;
  readonly end: bigint;
}

/** Two numbers of 64 bits, as translations.c writes them. */
const recordBytes = 16;

/** The file that QEMU appends to. It has no name, and is gone with both who have it open. */
export class TranslatedBlocks {
  readonly #file: FileHandle;
  #isClosed = false;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(): Promise<TranslatedBlocks> {
    const path = join(tmpdir(), `rex-test-blocks-${process.pid}-${randomBytes(6).toString("hex")}`);
    const file = await open(path, "ax+", 0o600);
    try {
      await unlink(path);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new TranslatedBlocks(file);
  }

  /** For QEMU to inherit. */
  get descriptor(): number {
    return this.#file.fd;
  }

  /** What was translated since the last time. What is while this is read is lost: the guest should have nothing to do then. */
  async take(): Promise<Block[]> {
    if (this.#isClosed) return [];
    const { size } = await this.#file.stat();
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await this.#file.read(bytes, 0, size, 0);
    await this.#file.truncate(0);
    return parseBlocks(bytes.subarray(0, bytesRead));
  }

  /** The machine has ended. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#file.close();
  }
}

/** Exported for tests. */
export function parseBlocks(bytes: Buffer): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at + recordBytes <= bytes.length; at += recordBytes)
    blocks.push({ start: bytes.readBigUInt64LE(at), end: bytes.readBigUInt64LE(at + 8) });
  return blocks;
}
