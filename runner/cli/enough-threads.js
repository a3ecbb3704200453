// SPDX-License-Identifier: MIT
// Whether this user may still have the threads that a command begins with. Node and the native parts of vitest stand still for ever,
// or abort with a dump, where a thread can't be created; nobody could tell the reader then. Plain JavaScript for an older Node.
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Main thread, five of V8, one that waits for SIGUSR1, and four of libuv as soon as files are read. */
const ofNode = 11;
const ofLibuv = 4;
/** Capabilities by which the kernel does not count: CAP_SYS_ADMIN, CAP_SYS_RESOURCE. */
const powers = (1n << 21n) | (1n << 24n);

/**
 * @param {{ readonly startsNode: boolean, readonly runsSpecs: boolean }} what
 * @returns {string | undefined} What to tell the reader when there are too few.
 */
export function tooFewThreads(what) {
  const limit = processLimit();
  const room = limit === undefined ? Number.POSITIVE_INFINITY : limit - threadsOfUser();
  const free = Math.min(room, cgroupRoom());
  // vitest: a thread for each CPU, and one at least for spec files.
  const needed = (what.startsNode ? ofNode : ofLibuv) + (what.runsSpecs ? availableParallelism() + 1 : 0);
  if (free >= needed) return undefined;
  const limits = limit === undefined ? "of its control group" : `ulimit -u is ${limit}`;
  return (
    `error: no more than ${Math.max(0, free)} threads can be created, and ${needed} are needed to begin with\n` +
    `  where: the limit on processes and threads (${limits})\n` +
    "  try:   allow it more processes and threads: ulimit -u 4096"
  );
}

/** Undefined when there is none for this process. */
function processLimit() {
  const text = read("/proc/self/limits");
  const limit = Number(/^Max processes +(\d+)/m.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(limit)) return undefined;
  const effective = BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(read("/proc/self/status"))?.[1] ?? "0"}`);
  // Root of another namespace is nobody in particular.
  const isInitial = /^ *0 +0 +4294967295$/m.test(read("/proc/self/uid_map"));
  return isInitial && (process.getuid?.() === 0 || (effective & powers) !== 0n) ? undefined : limit;
}

/** All threads of the user of this process. */
function threadsOfUser() {
  const own = process.getuid?.();
  let threads = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const status = read(`/proc/${name}/status`);
    if (Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]) === own)
      threads += Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  }
  return threads;
}

/** What the control groups of this process leave, of version 2 or 1. */
function cgroupRoom() {
  let room = Number.POSITIVE_INFINITY;
  for (const line of read("/proc/self/cgroup").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined || !(controllers === "" || controllers === "pids")) continue;
    const mount = controllers === "" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
    for (let at = path; ; at = at.slice(0, at.lastIndexOf("/"))) {
      const most = Number.parseInt(read(`${mount}${at}/pids.max`), 10);
      const now = Number.parseInt(read(`${mount}${at}/pids.current`), 10);
      if (!Number.isNaN(most) && !Number.isNaN(now)) room = Math.min(room, most - now);
      if (!at.includes("/") || at === "/") break;
    }
  }
  return room;
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
