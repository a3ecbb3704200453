// SPDX-License-Identifier: MIT
// The guest's whole user space: the agent as /init and the folders it mounts on. Named by content in the cache.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { cachePath, publishFile } from "../runner/support/cache.ts";
import { type CpioEntry, cpioArchive } from "./cpio.ts";

const folders = ["dev", "proc", "sys", "tmp", "run", "host", "root"];

/** Returns the path of an initramfs whose init is `agentBinary`. */
export async function initramfsFor(agentBinary: string): Promise<string> {
  const archive = cpioArchive(layout(await readFile(agentBinary)));
  const key = createHash("sha256").update(archive).digest("hex").slice(0, 16);
  const path = cachePath("guests", `initramfs-${key}.cpio`);
  // What is damaged there would be a guest without an init.
  const found = await readFile(path).catch(() => undefined);
  if (found?.equals(archive) !== true) await publishFile(path, archive);
  return path;
}

function layout(agent: Uint8Array): CpioEntry[] {
  return [
    ...folders.map((path): CpioEntry => ({ kind: "folder", path })),
    // The kernel opens the console for init before anything is mounted on /dev.
    { kind: "device", path: "dev/console", major: 5, minor: 1 },
    { kind: "device", path: "dev/null", major: 1, minor: 3, mode: 0o666 },
    { kind: "file", path: "init", contents: agent, mode: 0o755 },
  ];
}
