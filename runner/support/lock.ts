// SPDX-License-Identifier: MIT
// Locks between processes that die with their owner. flock(1) holds the lock for as long as the `cat` it runs lives, and
// that `cat` ends when the pipe from this process closes: on release, on exit and on SIGKILL alike.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { cachePath, ensureFolder } from "./cache.ts";
import { RexTestError } from "./errors.ts";
import { formatDuration } from "./format.ts";

export interface LockOptions {
  /** How long to wait for another owner; default an hour, the longest a kernel build may take. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once when the lock is held by somebody else. */
  readonly onWait?: (() => void) | undefined;
}

export interface Lock extends AsyncDisposable {
  readonly path: string;
}

const notAcquired = 75;

/** Takes the lock `name` of the cache, waiting for another owner if need be; dispose to release it. */
export async function acquireLock(name: string, options: LockOptions = {}): Promise<Lock> {
  await ensureFolder(cachePath("locks"));
  const path = cachePath("locks", `${name}.lock`);
  const waitMs = options.waitMs ?? 3_600_000;
  const immediately = await tryLock(path, 0, options.signal);
  if (immediately) return immediately;
  options.onWait?.();
  const later = await tryLock(path, waitMs, options.signal);
  if (later) return later;
  throw new RexTestError(`another rex-test kept the lock ${name} for more than ${formatDuration(waitMs)}`, {
    where: path,
    hint: `see who holds it with: fuser -v ${path}`,
  });
}

/** Runs `body` with the lock held. */
export async function withLock<T>(
  name: string,
  body: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  await using _lock = await acquireLock(name, options);
  return await body();
}

async function tryLock(
  path: string,
  waitMs: number,
  signal: AbortSignal | undefined,
): Promise<Lock | undefined> {
  signal?.throwIfAborted();
  const wait = waitMs === 0 ? ["--nonblock"] : ["--timeout", String(Math.ceil(waitMs / 1000))];
  const holder = spawn(
    "flock",
    [
      "--exclusive",
      ...wait,
      "--conflict-exit-code",
      String(notAcquired),
      path,
      "sh",
      "-c",
      "echo held; exec cat >/dev/null",
    ],
    // A session of its own: Ctrl-C on the terminal must not release the lock while this process is still cleaning up.
    { stdio: ["pipe", "pipe", "inherit"], detached: true },
  );
  const ended = new Promise<number | null>((resolve, reject) => {
    holder.once("exit", resolve);
    holder.once("error", (cause) =>
      reject(new RexTestError("flock could not be started", { hint: "install util-linux", cause })),
    );
  });
  const held = new Promise<"held">((resolve) => {
    createInterface({ input: holder.stdout }).once("line", () => resolve("held"));
  });
  const release = () => {
    holder.stdin.destroy();
    // Still waiting for the lock: there is no cat yet that would notice.
    if (holder.exitCode === null) holder.kill("SIGTERM");
  };
  signal?.addEventListener("abort", release, { once: true });
  const outcome = await Promise.race([held, ended]);
  signal?.removeEventListener("abort", release);
  if (outcome === "held") {
    holder.unref();
    return {
      path,
      async [Symbol.asyncDispose]() {
        holder.ref();
        holder.stdin.end();
        await ended;
      },
    };
  }
  signal?.throwIfAborted();
  if (outcome === notAcquired) return undefined;
  throw new RexTestError(`flock ended with exit code ${outcome}`, { where: path });
}
