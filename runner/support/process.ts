// SPDX-License-Identifier: MIT
// Runs external programs: each in a process group of its own, within a time limit, cancellable, its output kept.
// How it ended is a value; the first cause (time limit, cancellation, signal, exit) wins.
import { closeSync, openSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { execa } from "execa";
import { RexTestError } from "./errors.ts";
import { formatDuration } from "./format.ts";

export type Ending =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: string }
  | { readonly kind: "timedOut"; readonly afterMs: number }
  | { readonly kind: "cancelled" }
  | { readonly kind: "notStarted"; readonly reason: string };

export interface Finished {
  /** The command line, for messages. */
  readonly command: string;
  readonly ending: Ending;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface ProcessOptions {
  readonly cwd?: string | undefined;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly input?: string | Uint8Array | undefined;
  /** Default one minute. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Both outputs are appended here as they come, and not kept in memory. */
  readonly logPath?: string | undefined;
  /** Called with each line of either output. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** The kernel ends the program when this process dies, even by SIGKILL. For everything that runs long. */
  readonly dieWithParent?: boolean | undefined;
  /** Uses the terminal as it is (sudo asking for a password); nothing is captured. */
  readonly interactive?: boolean | undefined;
}

const graceMs = 3_000;
const running = new Set<number>();

process.on("exit", () => {
  for (const pid of running) signalGroup(pid, "SIGKILL");
});

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Gone already.
  }
}

/** Runs a program to its end and says how it ended; throws only on a mistake of ours. */
export async function runProcess(
  file: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<Finished> {
  const started = performance.now();
  const command = [file, ...args].map(quoted).join(" ");
  const finish = (ending: Ending, stdout = "", stderr = ""): Finished => ({
    command,
    ending,
    stdout,
    stderr,
    durationMs: performance.now() - started,
  });
  if (options.signal?.aborted) return finish({ kind: "cancelled" });

  const argv = options.dieWithParent ? ["setpriv", "--pdeathsig", "TERM", file, ...args] : [file, ...args];
  const subprocess = execa(argv[0] ?? file, argv.slice(1), {
    reject: false,
    detached: !options.interactive,
    cleanup: false,
    buffer: !options.logPath && !options.interactive,
    all: true,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    ...(options.interactive ? { stdio: "inherit" as const } : {}),
    ...(options.input === undefined
      ? options.interactive
        ? {}
        : { stdin: "ignore" as const }
      : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const pid = subprocess.pid;
  if (pid !== undefined && !options.interactive) running.add(pid);
  const drained = followOutput(subprocess.all, options);

  let cause: Ending | undefined;
  let graceTimer: NodeJS.Timeout | undefined;
  const end = (ending: Ending) => {
    cause ??= ending;
    if (pid === undefined) return;
    if (options.interactive) {
      subprocess.kill("SIGTERM");
      return;
    }
    signalGroup(pid, "SIGTERM");
    graceTimer ??= setTimeout(() => signalGroup(pid, "SIGKILL"), graceMs);
  };
  const limitMs = options.timeoutMs ?? 60_000;
  const limitTimer = setTimeout(() => end({ kind: "timedOut", afterMs: limitMs }), limitMs);
  const onAbort = () => end({ kind: "cancelled" });
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const result = await subprocess;
    await drained;
    const ending = cause ?? (isMissing(result, options) ? missing : endingOf(result));
    return finish(ending, text(result.stdout), text(result.stderr));
  } finally {
    clearTimeout(limitTimer);
    clearTimeout(graceTimer);
    options.signal?.removeEventListener("abort", onAbort);
    if (pid !== undefined) {
      // Whatever the program left behind in its group goes with it.
      if (cause && !options.interactive) signalGroup(pid, "SIGKILL");
      running.delete(pid);
    }
  }
}

/** Like runProcess, but anything other than exit code 0 is an infrastructure error that shows the output's tail. */
export async function mustRun(
  file: string,
  args: readonly string[],
  options: ProcessOptions & { readonly what?: string; readonly hint?: string } = {},
): Promise<Finished> {
  const finished = await runProcess(file, args, options);
  if (finished.ending.kind === "exited" && finished.ending.code === 0) return finished;
  throw new RexTestError(`${options.what ?? file} ${describeEnding(finished.ending)}`, {
    where: options.logPath ? `${finished.command}\nlog: ${options.logPath}` : finished.command,
    detail: tail(`${finished.stdout}\n${finished.stderr}`.trim(), 30),
    hint: options.hint,
  });
}

export function succeeded(finished: Finished): boolean {
  return finished.ending.kind === "exited" && finished.ending.code === 0;
}

/** "ended with exit code 2", "was stopped after its limit of 10 s". */
export function describeEnding(ending: Ending): string {
  switch (ending.kind) {
    case "exited":
      return `ended with exit code ${ending.code}`;
    case "signalled":
      return `was ended by ${ending.signal}`;
    case "timedOut":
      return `was stopped after its limit of ${formatDuration(ending.afterMs)}`;
    case "cancelled":
      return "was cancelled";
    case "notStarted":
      return `could not be started: ${ending.reason}`;
  }
}

/** The last lines of a text. */
export function tail(textToCut: string, lines: number): string {
  return textToCut.split("\n").slice(-lines).join("\n");
}

/** An argument as it can be pasted into a shell. */
export function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

interface ExecaResult {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly failed: boolean;
  readonly code?: string | undefined;
  readonly originalMessage?: string | undefined;
  readonly stderr?: unknown;
}

const missing: Ending = { kind: "notStarted", reason: "no such program" };

/** With `dieWithParent` it is setpriv that finds no program. */
function isMissing({ exitCode, stderr }: ExecaResult, { dieWithParent }: ProcessOptions): boolean {
  return dieWithParent === true && exitCode === 127 && text(stderr).startsWith("setpriv: failed to execute");
}

function endingOf(result: ExecaResult): Ending {
  if (result.exitCode !== undefined) {
    // Programs that shells wait for report a signal as 128 + its number.
    const signal = Object.entries(constants.signals).find(
      ([, value]) => value === (result.exitCode ?? 0) - 128,
    );
    return signal && result.exitCode === 128 + constants.signals.SIGKILL
      ? { kind: "signalled", signal: signal[0] }
      : { kind: "exited", code: result.exitCode };
  }
  if (result.signal !== undefined) return { kind: "signalled", signal: result.signal };
  if (result.code === "ENOENT") return missing;
  return { kind: "notStarted", reason: result.originalMessage ?? result.code ?? "unknown" };
}

function text(output: unknown): string {
  return typeof output === "string" ? output : "";
}

/** Must start reading before it first waits: a program that ends at once would have its output lost. */
async function followOutput(
  stream: NodeJS.ReadableStream | undefined,
  options: ProcessOptions,
): Promise<void> {
  if (!stream || (!options.logPath && !options.onLine)) return;
  const log = options.logPath ? openSync(options.logPath, "a") : undefined;
  try {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      const piece = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
      if (log !== undefined) writeSync(log, piece);
      if (!options.onLine) continue;
      const lines = (rest + piece).split("\n");
      rest = (lines.pop() ?? "").slice(0, 65_536);
      for (const line of lines) options.onLine(line);
    }
    if (rest && options.onLine) options.onLine(rest);
  } finally {
    if (log !== undefined) closeSync(log);
  }
}
