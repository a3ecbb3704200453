// SPDX-License-Identifier: MIT
// Folders and links of the guest, by system calls: the agent has no method for them, and needs none.
import type { GuestCalls } from "./guest-calls.ts";
import { systemCalls } from "./system-calls.ts";

export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

const openFolder = 0o200000;
const listBytes = 32 * 1024;
const linkBytes = 512;
/** Of one request. */
const mostCalls = 64;
const typeFolder = 4;
const onOwnFiles = { keepFiles: true };

/** What is in a folder, without "." and ".."; nothing if it can't be read. */
export async function listFolder(calls: GuestCalls, path: string): Promise<readonly FolderEntry[]> {
  const [opened] = await systemCalls(calls, [{ syscall: "open", args: [path, openFolder] }], onOwnFiles);
  if (opened === undefined || opened.ret < 0n) return [];
  const entries: FolderEntry[] = [];
  try {
    for (;;) {
      const read = { syscall: "getdents64", args: [opened.ret, { buffer: listBytes }, listBytes] };
      const [run] = await systemCalls(calls, [read], onOwnFiles);
      if (run === undefined || run.ret <= 0n) return entries;
      entries.push(...parseEntries(run.bytes.subarray(0, Number(run.ret))));
    }
  } finally {
    await systemCalls(calls, [{ syscall: "close", args: [opened.ret] }], onOwnFiles);
  }
}

/** Where symbolic links lead; those that are not there any more are left out. */
export async function readLinks(calls: GuestCalls, paths: readonly string[]): Promise<readonly string[]> {
  const targets: string[] = [];
  for (let at = 0; at < paths.length; at += mostCalls) {
    const list = paths.slice(at, at + mostCalls);
    const answers = await systemCalls(
      calls,
      list.map((path) => ({ syscall: "readlink", args: [path, { buffer: linkBytes }, linkBytes] })),
    );
    for (const { ret, bytes } of answers)
      if (ret > 0n) targets.push(bytes.subarray(0, Number(ret)).toString());
  }
  return targets;
}

/** struct linux_dirent64: u64 inode, s64 offset, u16 length, u8 type, name. */
export function parseEntries(bytes: Uint8Array): FolderEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: FolderEntry[] = [];
  for (let at = 0; at + 19 <= bytes.length; ) {
    const length = view.getUint16(at + 16, true);
    if (length < 19) break;
    const text = Buffer.from(bytes.subarray(at + 19, at + length));
    const end = text.indexOf(0);
    const name = text.subarray(0, end < 0 ? text.length : end).toString();
    if (name !== "." && name !== "..") entries.push({ name, isFolder: bytes[at + 18] === typeFolder });
    at += length;
  }
  return entries;
}
