// SPDX-License-Identifier: MIT
// The guest's serial console. The newest part is kept in memory; all of it goes to a file, up to a limit, because a
// guest that floods its console must cost neither memory nor the disk.
import { createWriteStream, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";

const keptLines = 4_000;
const longestLine = 4_096;
const fileLimitBytes = 8 * 1024 * 1024;

export type LineListener = (line: string) => void;

export class Console {
  readonly #decoder = new StringDecoder("utf8");
  readonly #lines: string[] = [];
  readonly #listeners = new Set<LineListener>();
  #file: WriteStream | undefined;
  #partial = "";
  #bytes = 0;
  #fileFailed = false;

  constructor(filePath?: string) {
    if (filePath !== undefined) this.keepIn(filePath);
  }

  /** Keeps everything in a file, from what there is already on, so that line numbers are the same in both; no longer in the file before. */
  keepIn(filePath: string): void {
    this.#file?.end();
    this.#file = createWriteStream(filePath);
    // A full disk must not end the test: the tail in memory still tells what happened.
    this.#file.on("error", () => {
      this.#fileFailed = true;
    });
    const earlier = this.lines.join("\n");
    if (earlier !== "") this.#file.write(this.#partial === "" ? `${earlier}\n` : earlier);
  }

  /** Bytes that the guest has written, kept or not. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The newest complete lines, and what there is of the last one. */
  get lines(): readonly string[] {
    return this.#partial === "" ? [...this.#lines] : [...this.#lines, this.#partial];
  }

  receive(chunk: Buffer): void {
    this.#writeToFile(chunk);
    this.#bytes += chunk.length;
    const parts = (this.#partial + this.#decoder.write(chunk)).split("\n");
    this.#partial = parts.pop() ?? "";
    for (const part of parts) this.#push(part);
    if (this.#partial.length > longestLine) {
      this.#push(this.#partial);
      this.#partial = "";
    }
  }

  /** Adds lines of our own, below what the guest has written so far. */
  note(lines: readonly string[]): void {
    const begin = this.#partial === "" ? "" : "\n";
    this.receive(Buffer.from(`${begin}${lines.join("\n")}\n`));
  }

  onLine(listener: LineListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Flushes the file. */
  async close(): Promise<void> {
    if (this.#partial !== "") {
      this.#push(this.#partial);
      this.#partial = "";
    }
    if (this.#file === undefined || this.#fileFailed || this.#file.destroyed) return;
    if (this.#bytes > fileLimitBytes)
      this.#file.write(`\n[… cut; the last lines:]\n${this.#lines.join("\n")}\n`);
    this.#file.end();
    await finished(this.#file).catch(() => undefined);
  }

  #push(raw: string): void {
    const line = printable(raw);
    this.#lines.push(line);
    // Cut in steps, so that a flood does not pay for a shift with every line.
    if (this.#lines.length > 2 * keptLines) this.#lines.splice(0, this.#lines.length - keptLines);
    for (const listener of this.#listeners) listener(line);
  }

  #writeToFile(chunk: Buffer): void {
    if (this.#file === undefined || this.#fileFailed) return;
    const room = fileLimitBytes - this.#bytes;
    if (room > 0) this.#file.write(room < chunk.length ? chunk.subarray(0, room) : chunk);
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
const controls = /\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** Without escape sequences and control characters: a guest must not be able to write to the user's terminal. */
export function printable(text: string): string {
  return text.replace(controls, "");
}
