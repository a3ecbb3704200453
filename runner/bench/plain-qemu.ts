// SPDX-License-Identifier: MIT
// The peer without a framework: QEMU as one would type it, with the host's shell as init, and no more around it.
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type CpioEntry, cpioArchive } from "../../qemu/cpio.ts";
import { findQemu } from "../../qemu/virtual-machine.ts";
import { RexTestError } from "../support/errors.ts";
import { describeEnding, mustRun, runProcess, tail } from "../support/process.ts";
import type { Prepared } from "../test/engine/prepare.ts";

const word = "the-guest-is-there";
const limitMs = 120_000;
const libraryLimitMs = 10_000;

export class PlainQemu implements AsyncDisposable {
  readonly #folder: string;
  readonly #command: readonly [string, ...string[]];

  private constructor(folder: string, command: readonly [string, ...string[]]) {
    this.#folder = folder;
    this.#command = command;
  }

  static async prepare(prepared: Prepared, signal: AbortSignal): Promise<PlainQemu> {
    const folder = await mkdtemp(join(tmpdir(), "rex-test-shell-"));
    const initrd = join(folder, "shell.cpio");
    await writeFile(initrd, cpioArchive(await shellFiles(signal)));
    return new PlainQemu(folder, [
      await findQemu(),
      ...["-accel", prepared.guests.accelerator, "-m", "128", "-nographic", "-no-reboot"],
      ...["-kernel", join(dirname(prepared.kernel.image), "bzImage"), "-initrd", initrd],
      ...["-append", "console=ttyS0 panic=-1 reboot=t"],
    ]);
  }

  /** Milliseconds from the start of QEMU to the first word of the shell. */
  async time(signal: AbortSignal): Promise<number> {
    const [program, ...args] = this.#command;
    const startedAt = performance.now();
    let readyMs: number | undefined;
    const there = new AbortController();
    const finished = await runProcess(program, args, {
      timeoutMs: limitMs,
      signal: AbortSignal.any([signal, there.signal]),
      dieWithParent: true,
      onLine: (line) => {
        if (line.trim() !== word) return;
        readyMs = performance.now() - startedAt;
        there.abort();
      },
    });
    signal.throwIfAborted();
    if (readyMs !== undefined) return readyMs;
    throw new RexTestError(`a shell as init said nothing: QEMU ${describeEnding(finished.ending)}`, {
      where: finished.command,
      detail: tail(finished.stdout, 20),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The shell, what it is linked with, and an init that says its word and waits. */
async function shellFiles(signal: AbortSignal): Promise<CpioEntry[]> {
  const shell = await realpath("/bin/sh");
  const { stdout } = await mustRun("ldd", [shell], {
    timeoutMs: libraryLimitMs,
    signal,
    what: "listing the libraries of the shell",
  });
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  const files = [
    { path: "bin/sh", from: shell },
    ...libraries.map((path) => ({ path: path.slice(1), from: path })),
  ];
  const folders = new Set(files.flatMap(({ path }) => parents(path)));
  return [
    ...[...folders, "dev"].map((path): CpioEntry => ({ kind: "folder", path })),
    { kind: "device", path: "dev/console", major: 5, minor: 1 },
    ...(await Promise.all(
      files.map(
        async ({ path, from }): Promise<CpioEntry> => ({
          kind: "file",
          path,
          contents: await readFile(from),
          mode: 0o755,
        }),
      ),
    )),
    {
      kind: "file",
      path: "init",
      contents: Buffer.from(`#!/bin/sh\necho ${word}\nread forever\n`),
      mode: 0o755,
    },
  ];
}

/** "a/b/c" → "a", "a/b" */
function parents(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
