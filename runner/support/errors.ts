// SPDX-License-Identifier: MIT
// The outcomes a command can have, their exit codes (KernelCI's), and the one error type that carries them.

/** How a command that did not pass ended. */
export type Outcome = "failure" | "infrastructure" | "crash";

export const exitCodes = { passed: 0, failure: 1, infrastructure: 2, crash: 64 } as const satisfies Record<
  "passed" | Outcome,
  number
>;

export interface ErrorDetails {
  /** Defaults to "infrastructure". */
  readonly outcome?: Outcome;
  /** The file, folder, option or command it is about. */
  readonly where?: string | undefined;
  /** What the reader can do about it, one step per line. */
  readonly hint?: string | undefined;
  /** Material to read on: the tail of a log, the text of a rejected hunk. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

/** An expected failure: says what happened, where, and what to do. Anything else that is thrown is a bug of ours. */
export class RexTestError extends Error {
  readonly outcome: Outcome;
  readonly where: string | undefined;
  readonly hint: string | undefined;
  readonly detail: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "RexTestError";
    this.outcome = details.outcome ?? "infrastructure";
    this.where = details.where;
    this.hint = details.hint;
    this.detail = details.detail;
  }

  get exitCode(): number {
    return exitCodes[this.outcome];
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The errno name ("ENOENT") of a system error, if it is one. */
export function errnoOf(thrown: unknown): string | undefined {
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") return thrown.code;
  return undefined;
}

const hints: Readonly<Record<string, string>> = {
  EMFILE: "allow it more open files: ulimit -n 4096",
  ENFILE: "the machine has too many files open: sysctl fs.file-max",
  EAGAIN: "allow it more processes and threads: ulimit -u",
  ENOMEM: "free memory, or have fewer guests at a time: --jobs 1",
  ENOSPC: "make room on the disk, for example with: rex-test cache clear",
  EDQUOT: "make room on the disk, for example with: rex-test cache clear",
};

/** What to do about an error that is the host's: by its errno, or the errno that its message names. */
export function hintFor(thrown: unknown): string | undefined {
  const errno = errnoOf(thrown);
  if (errno !== undefined && errno in hints) return hints[errno];
  return hints[/\bE[A-Z]{4,}\b/.exec(messageOf(thrown))?.[0] ?? ""];
}

/** The error as a user reads it on the terminal. */
export function describeError(thrown: unknown): string {
  if (!(thrown instanceof RexTestError)) {
    const hint = errnoOf(thrown) === undefined ? undefined : hintFor(thrown);
    if (hint !== undefined) return describeError(new RexTestError(messageOf(thrown), { hint }));
    return thrown instanceof Error
      ? `unexpected error: ${thrown.stack ?? thrown.message}`
      : `unexpected error: ${thrown}`;
  }
  const lines = [`error: ${thrown.message}`];
  if (thrown.where) lines.push(indented("where: ", thrown.where));
  if (thrown.detail) lines.push("", thrown.detail.trimEnd().replace(/^(?=.)/gm, "  | "), "");
  if (thrown.hint) lines.push(indented("try:   ", thrown.hint));
  return lines.join("\n");
}

function indented(label: string, text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line, index) => `  ${index === 0 ? label : " ".repeat(label.length)}${line}`)
    .join("\n");
}
