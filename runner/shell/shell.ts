// SPDX-License-Identifier: MIT
// `rex-test shell`: a guest like those of tests, with the host's shell in it on its serial console. What the kernel has to say appears
// there, too.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RexTestError } from "../support/errors.ts";
import type { Progress } from "../support/progress.ts";
import { type PrepareSettings, prepare } from "../test/engine/prepare.ts";
import { chooseProvider } from "../test/guests/choose-provider.ts";
import type { Guest, GuestVerdict, GuestWay } from "../test/guests/guest.ts";
import { loadAndAttach, type ProgramFile, readProgram } from "./programs.ts";
import { connectTerminal, readyMark } from "./terminal.ts";

export interface ShellSettings extends PrepareSettings {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly kernelParameters: readonly string[];
  readonly guests: GuestWay;
  /** Files of programs that are to be loaded and attached first. */
  readonly programs: readonly string[];
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

/** How it ended: by the person, or by the guest itself. */
export type ShellEnd = { readonly kind: "left" } | { readonly kind: "over"; readonly verdict: GuestVerdict };

/** A day; setTimeout knows no more than 24 of them. */
const longestShellMs = 24 * 60 * 60 * 1000;
const causeLimitMs = 5_000;
const consoleDevice = "/dev/ttyS0";
/** Where the host has bash, with line editing. Commands from a file or a pipe are only carried out. */
const forPerson = "if command -v bash >/dev/null; then exec bash --norc --noprofile -i; else exec sh -i; fi";
const forPipe = "exec sh";

export async function openShell(settings: ShellSettings, progress: Progress): Promise<ShellEnd> {
  const prepared = await prepare(settings, [], progress);
  const programs: ProgramFile[] = [];
  for (const path of settings.programs)
    programs.push(await readProgram(path, settings.cwd, prepared.compiler));
  const folder = await mkdtemp(join(tmpdir(), "rex-test-shell-"));
  try {
    progress.update({ what: `starting ${prepared.kernel.name} (${prepared.machine})` });
    await using provider = chooseProvider({ ...settings, jobs: 1 }, prepared.guests, (line) =>
      progress.note(line),
    );
    await using guest = await startGuest(settings, provider, join(folder, "console.log"));
    progress.done();
    for (const program of programs)
      for (const line of await loadAndAttach(guest, program)) progress.note(line);
    progress.note("Ctrl-D leaves the shell and ends the guest, Ctrl-] does when it does not answer");
    return await converse(guest, settings);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function startGuest(
  { cpus, memoryMiB, kernelParameters, signal }: ShellSettings,
  provider: ReturnType<typeof chooseProvider>,
  consoleFile: string,
): Promise<Guest> {
  const request = { cpus, memoryMiB, kernelParameters, hostTools: true, consoleFile };
  const started = await provider.start(request, { signal, onLog: () => undefined });
  if (started.started) return started.guest;
  const { verdict, consoleTail } = started.report;
  throw new RexTestError(`the guest did not start: ${verdict.reason}`, { detail: consoleTail.join("\n") });
}

async function converse(guest: Guest, { input, output, signal }: ShellSettings): Promise<ShellEnd> {
  using connection = connectTerminal(guest.terminal, input, output);
  const shell = runShell(guest, input.isTTY, output, signal);
  const onResize = () => void setSize(guest, output).catch(() => undefined);
  output.on("resize", onResize);
  try {
    const over = guest.over.then((verdict): ShellEnd => ({ kind: "over", verdict }));
    const left = { kind: "left" } as const;
    const ended = shell.then(
      () => left,
      (error: unknown) => causeOf(error, over),
    );
    return await Promise.race([over, ended, connection.escaped.then(() => left)]);
  } finally {
    output.off("resize", onResize);
  }
}

/** The connection breaks a moment before it is known what the guest died of. */
async function causeOf(error: unknown, over: Promise<ShellEnd>): Promise<ShellEnd> {
  const limit = Promise.withResolvers<never>();
  // Nobody waits for it when the person has left already.
  const timer = setTimeout(() => limit.reject(error), causeLimitMs).unref();
  return Promise.race([over, limit.promise]).finally(() => clearTimeout(timer));
}

/** Until the shell ends. Its terminal is the console: it gets a session of its own there, so that Ctrl-C and job control work. */
async function runShell(
  guest: Guest,
  forTerminal: boolean,
  { isTTY, rows, columns }: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<void> {
  const size = isTTY ? `stty rows ${rows} cols ${columns}; ` : "";
  const shell = forTerminal ? forPerson : forPipe;
  const set = `stty sane ${forTerminal ? "" : "-echo"}; ${size}`;
  const script = `exec <${consoleDevice} >${consoleDevice} 2>&1; ${set}echo '${readyMark}'; ${shell}`;
  const env = {
    TERM: process.env["TERM"] ?? "dumb",
    PS1: forTerminal ? "rex-test:\\w# " : "",
    HISTFILE: "/tmp/.history",
  };
  const params = {
    argv: ["setsid", "-w", "sh", "-c", script],
    root: "host" as const,
    cwd: "/tmp",
    env,
    timeoutMs: longestShellMs,
  };
  const result = await guest.call("exec", params, { timeoutMs: longestShellMs, signal });
  if (result.status === undefined || result.status === 127)
    throw new RexTestError("the shell did not run in the guest", {
      detail: Buffer.from(result.stderr, "base64").toString(),
    });
}

async function setSize(guest: Guest, { rows, columns }: NodeJS.WriteStream): Promise<void> {
  const argv = ["stty", "-F", consoleDevice, "rows", String(rows), "cols", String(columns)];
  await guest.call("exec", { argv, root: "host", timeoutMs: 5_000 }, { timeoutMs: 10_000 });
}
