// SPDX-License-Identifier: MIT
// Ctrl-C, SIGTERM and SIGHUP as one AbortSignal, which everything that waits listens to.
import { describeError, exitCodes, RexTestError } from "./errors.ts";
import { guardStandardOutput } from "./standard-output.ts";

const controller = new AbortController();
const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
const sigpipe = 13;
const sameKeystrokeMs = 500;
const patienceMs = 15_000;

/** Aborted by the first Ctrl-C or SIGTERM; commands then stop what they started, clean up and return. */
export const interruption: AbortSignal = controller.signal;

/** Called once by the CLI's entry. A second signal, or a command that does not come to an end, ends the process. */
export function installSignalHandlers(): void {
  // The launcher (cli/rex-test.js) holds the other end of this channel: when it is killed, even by SIGKILL, we stop too.
  process.on("disconnect", () => {
    process.exitCode = 128 + numbers.SIGHUP;
    controller.abort(new RexTestError("the process that started this one is gone"));
    setTimeout(() => process.exit(), patienceMs).unref();
  });
  process.channel?.unref();
  guardStandardOutput(() => {
    if (controller.signal.aborted) return;
    process.exitCode = 128 + sigpipe;
    controller.abort(new RexTestError("nobody reads the output any more"));
    setTimeout(() => process.exit(128 + sigpipe), patienceMs).unref();
  });
  // A bug of ours, or of a package: what was started is ended, and the reader is told.
  process.on("uncaughtException", (error) => {
    console.error(describeError(error));
    if (controller.signal.aborted) process.exit(exitCodes.infrastructure);
    process.exitCode = exitCodes.infrastructure;
    controller.abort(new RexTestError("the run was given up"));
    setTimeout(() => process.exit(exitCodes.infrastructure), patienceMs).unref();
  });
  let firstAt = 0;
  for (const [signal, number] of Object.entries(numbers)) {
    process.on(signal, () => {
      if (controller.signal.aborted) {
        // npm and the terminal both deliver one Ctrl-C.
        if (performance.now() - firstAt > sameKeystrokeMs) process.exit(128 + number);
        return;
      }
      firstAt = performance.now();
      process.exitCode = 128 + number;
      controller.abort(new RexTestError(`interrupted by ${signal}`));
      setTimeout(() => process.exit(128 + number), patienceMs).unref();
    });
  }
}
