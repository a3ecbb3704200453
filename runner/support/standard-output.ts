// SPDX-License-Identifier: MIT
// stdout and stderr may end before we do: a pipe whose reader has gone, a file on a full disk. Node makes that an error event, and
// the end of a process that does not listen.
import { errnoOf } from "./errors.ts";

let failure: Error | undefined;

/** Called once by the CLI's entry. `onClosed` is called when whoever read stdout has gone. */
export function guardStandardOutput(onClosed: () => void): void {
  process.stdout.on("error", (error) => {
    failure ??= error;
    if (errnoOf(error) === "EPIPE") onClosed();
  });
  // What is said there is about the run, and none of its results.
  process.stderr.on("error", () => undefined);
}

/** What kept stdout from taking all that was written so far. */
export async function standardOutputFailure(): Promise<Error | undefined> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.stdout.write("", () => resolve());
  await promise;
  return failure;
}

/** Whether whoever read it has gone. */
export function isOutputClosed(): boolean {
  return errnoOf(failure) === "EPIPE";
}
