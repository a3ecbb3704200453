// SPDX-License-Identifier: MIT
// `rex-test run --pause-on-failure`: the guest of a test that failed is there until somebody presses Enter.
import PQueue from "p-queue";
import { RexTestError } from "../support/errors.ts";
import type { Pause } from "../test/engine/settings.ts";
import type { PausedTest } from "../test/host/guest-host.ts";

/** Asks for one guest after the other, however many wait. */
export function pauseAtTerminal(input: NodeJS.ReadStream, output: NodeJS.WriteStream): Pause {
  if (!input.isTTY || !output.isTTY)
    throw new RexTestError("--pause-on-failure needs a terminal, where somebody presses Enter", {
      hint: "without one: the artifacts of a failed test are kept, and rex-test rerun ID runs it again",
    });
  const turns = new PQueue({ concurrency: 1 });
  return async (paused, say, signal) => {
    await turns.add(async () => {
      if (signal.aborted) return;
      say(pausedText(paused));
      await enter(input, signal);
    });
  };
}

function pausedText({ place, reason, doors, vmlinux, consoleFile }: PausedTest): string {
  const title = `\nPAUSED  ${place}\n${reason.replace(/^/gm, "  ")}`;
  if (doors === undefined)
    return `${title}\n  its machine has ended already; what it said: ${consoleFile}\n  Enter goes on`;
  const gdb = doors.gdb && `  gdb      gdb ${vmlinux} -ex 'target remote ${doors.gdb}'`;
  return [
    title,
    `  console  socat -,rawer,escape=0x1d UNIX-CONNECT:${doors.console}   (Ctrl-] leaves it)`,
    `  QMP      socat READLINE UNIX-CONNECT:${doors.qmp}`,
    ...(gdb ? [gdb] : []),
    `  QEMU     process ${doors.pid}; the console so far: ${consoleFile}`,
    "  Enter ends this guest and goes on",
  ].join("\n");
}

async function enter(input: NodeJS.ReadStream, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  input.once("data", done).resume();
  signal.addEventListener("abort", done, { once: true });
  await promise;
  signal.removeEventListener("abort", done);
  input.off("data", done).pause();
  // A terminal that nobody reads must not keep the process alive.
  input.unref();
}
