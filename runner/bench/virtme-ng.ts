// SPDX-License-Identifier: MIT
// The peer in starting guests: virtme-ng, which boots a kernel with the host's own files, where it is installed.
import { access, constants } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { RexTestError } from "../support/errors.ts";
import { describeEnding, runProcess, tail } from "../support/process.ts";
import type { Prepared } from "../test/engine/prepare.ts";

const word = "the-guest-is-there";
const limitMs = 180_000;

/** The path of vng, if it is installed. */
export async function findVirtmeNg(): Promise<string | undefined> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const candidate = join(folder || ".", "vng");
    const found = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  return undefined;
}

/** Milliseconds from the start of vng to the first word of a command in its guest, of the same kernel and with the same accelerator. */
export async function timeVirtmeNg(vng: string, prepared: Prepared, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now();
  let readyMs: number | undefined;
  const command = [
    vng,
    "--run",
    join(dirname(prepared.kernel.image), "bzImage"),
    ...(prepared.guests.accelerator === "tcg" ? ["--disable-kvm"] : []),
    ...["--force-9p", "--cpus", "1", "--memory", "256M"],
    // Without block devices the kernel has no name for its root of its own.
    ...["--append", "root=/dev/root"],
    // Its ports for the command's output have names only where udev runs; the console is left.
    "--verbose",
    ...["--", "echo", word],
  ];
  // vng wants a terminal, which script(1) makes.
  const quoted = command.map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(" ");
  const finished = await runProcess("script", ["--quiet", "--return", "--command", quoted, "/dev/null"], {
    timeoutMs: limitMs,
    signal,
    dieWithParent: true,
    onLine: (line) => {
      if (line.trim() === word) readyMs ??= performance.now() - startedAt;
    },
  });
  signal.throwIfAborted();
  if (readyMs !== undefined) return readyMs;
  throw new RexTestError(`virtme-ng did not run a command: it ${describeEnding(finished.ending)}`, {
    where: finished.command,
    detail: tail(`${finished.stdout}\n${finished.stderr}`, 20),
  });
}
