// SPDX-License-Identifier: MIT
// The memory of a process and of all below it. By proportional set size: what several share, such as the snapshot that clones were made
// of, counts once in the sum.
import { readdir, readFile } from "node:fs/promises";

export interface ProcessMemory {
  /** As in /proc/<pid>/comm. */
  readonly name: string;
  readonly pssBytes: number;
}

/** Processes that end meanwhile are left out. */
export async function memoryOfTree(pid: number): Promise<readonly ProcessMemory[]> {
  const own = await memoryOf(pid);
  const below = await Promise.all((await childrenOf(pid)).map(memoryOfTree));
  return [...(own === undefined ? [] : [own]), ...below.flat()];
}

async function memoryOf(pid: number): Promise<ProcessMemory | undefined> {
  try {
    const name = (await readFile(`/proc/${pid}/comm`, "utf8")).trim();
    const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : { name, pssBytes: Number(kilobytes) * 1024 };
  } catch {
    return undefined;
  }
}

/** Of all its threads: each has children of its own. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "utf8").catch(() => "")),
  );
  return lists.join(" ").split(/\s+/).filter(Boolean).map(Number);
}
