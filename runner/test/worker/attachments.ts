// SPDX-License-Identifier: MIT
// What a test keeps with `t.attach`: files in the folder of its artifacts.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, RexTestError } from "../../support/errors.ts";
import type { Attachment } from "../outcome/verdict.ts";

/** Text and bytes as they are; anything else as JSON, in which a bigint is a text. */
export type Attachable = string | Uint8Array | number | boolean | null | object;

const mostBytes = 16 * 1024 * 1024;
const mostAttachments = 100;

export class Attachments {
  readonly #folder: string;
  readonly #list: Attachment[] = [];
  readonly #fileNames = new Set<string>();

  /** The folder is made when there is something to put in it. */
  constructor(artifactsFolder: string) {
    this.#folder = join(artifactsFolder, "attachments");
  }

  get list(): readonly Attachment[] {
    return this.#list;
  }

  async add(name: string, content: Attachable): Promise<string> {
    const bytes = bytesOf(content);
    if (bytes.length > mostBytes)
      throw wrong(name, `it has ${bytes.length} bytes, and an attachment at most ${mostBytes}`);
    if (this.#fileNames.size >= mostAttachments)
      throw wrong(name, `a test has at most ${mostAttachments} attachments`);
    const path = join(this.#folder, this.#fileName(name));
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(path, bytes);
    } catch (cause) {
      throw new RexTestError(`t.attach("${name}"): ${messageOf(cause)}`, { where: path, cause });
    }
    this.#list.push({ name, path, bytes: bytes.length });
    return path;
  }

  /** One that is a file's, and no other attachment's. */
  #fileName(name: string): string {
    const plain = name
      .replaceAll(/[^\w.-]+/g, "-")
      .replace(/^\.+/, "")
      .slice(0, 100);
    if (plain.replaceAll("-", "") === "")
      throw wrong(name, 'its name has no letters to make a file name of; "exits.json" would do');
    let fileName = plain;
    for (let n = 2; this.#fileNames.has(fileName); n += 1) fileName = `${n}-${plain}`;
    this.#fileNames.add(fileName);
    return fileName;
  }
}

function bytesOf(content: Attachable): Uint8Array {
  if (content instanceof Uint8Array) return content;
  if (typeof content === "string") return Buffer.from(content);
  const json = JSON.stringify(
    content,
    (_, value: unknown) => (typeof value === "bigint" ? String(value) : value),
    2,
  );
  return Buffer.from(`${json}\n`);
}

function wrong(name: string, what: string): RexTestError {
  return new RexTestError(`t.attach("${name}"): ${what}`, { outcome: "failure" });
}
