// SPDX-License-Identifier: MIT
// The life of one QEMU process: spawned with its sockets on inherited descriptors (nothing to clean up on disk), ended
// by whichever comes first of the guest, the holder and the death of this process.
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { access, type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { hintFor, messageOf, RexTestError } from "../runner/support/errors.ts";
import { qemuArguments, shellCommand } from "./command-line.ts";
import { Console } from "./console.ts";
import { inheritedFds, type Machine, type Origin } from "./machine.ts";
import { Qmp, type QmpEvent } from "./qmp.ts";
import { TranslatedBlocks } from "./translations/translated-blocks.ts";

const qemuProgram = "qemu-system-x86_64";
const killLimitMs = 5_000;
const stderrLimit = 16 * 1024;

/** How a machine ended. The first cause is kept; what follows from it does not replace it. */
export type MachineEnd =
  /** The guest reset itself: a panic with panic=-1, a triple fault, or a reboot. */
  | { readonly kind: "reset" }
  | { readonly kind: "poweroff" }
  /** The holder of the machine ended it. */
  | { readonly kind: "ended" }
  /** QEMU itself gave up or was killed by somebody else. */
  | {
      readonly kind: "qemu-failed";
      readonly exitCode?: number;
      readonly signal?: string;
      readonly stderr: string;
    };

export interface StartOptions {
  readonly signal: AbortSignal;
  /** Where the console log goes; in memory only when absent. */
  readonly consoleFile?: string | undefined;
  /** Default: it boots. */
  readonly origin?: Origin;
  /** Descriptors of this process that QEMU gets from 6 on, as a clone needs. */
  readonly files?: readonly number[];
  /** Of a clone that others are forked from: a descriptor of this process for the library that makes it forkable. */
  readonly forkLibrary?: number | undefined;
  /** Of one that replays: a descriptor of this process for the library that lets it go back. */
  readonly replayLibrary?: number | undefined;
  /** Instead of the usual one. */
  readonly temporaryFolder?: string | undefined;
}

/** The streams to QEMU. */
export interface Sockets {
  readonly qmp: Duplex;
  readonly agent: Duplex;
  readonly console: Duplex;
}

/** A QEMU that runs already. */
export interface RunningQemu {
  readonly machine: Machine;
  readonly commandLine: string;
  readonly consoleFile?: string | undefined;
  readonly sockets: Sockets;
  readonly pid: number;
  readonly exit: Promise<MachineEnd>;
  readonly kill: () => void;
  readonly translations?: TranslatedBlocks | undefined;
}

/** The path of QEMU, or a RexTestError that says how to get it. */
export async function findQemu(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    const candidate = join(folder || ".", qemuProgram);
    if (
      await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return candidate;
  }
  throw new RexTestError(`${qemuProgram} is not installed`, {
    hint: "rex-test doctor --fix\nor: sudo apt install qemu-system-x86",
  });
}

export class VirtualMachine implements AsyncDisposable {
  readonly machine: Machine;
  /** Boots such a machine, also where this one was cloned. */
  readonly commandLine: string;
  readonly console: Console;
  readonly agentPort: Duplex;
  /** The serial console as it is, both ways: for a person at a terminal. */
  readonly terminal: Duplex;
  readonly qmp: Qmp;
  readonly pid: number;
  readonly ended: Promise<MachineEnd>;
  /** What its guest was about to run, if that is noted. */
  readonly translations: TranslatedBlocks | undefined;
  readonly #kill: () => void;
  #cause: MachineEnd | undefined;
  #finishing: Promise<void> | undefined;
  #recordedInstructions: number | undefined;

  /** Where QEMU is told to fork, if it can. */
  readonly forkControl: Duplex | undefined;

  constructor(parts: RunningQemu, forkControl?: Duplex) {
    this.forkControl = forkControl;
    this.console = new Console(parts.consoleFile);
    parts.sockets.console.on("data", (chunk: Buffer) => this.console.receive(chunk));
    this.machine = parts.machine;
    this.commandLine = parts.commandLine;
    this.agentPort = parts.sockets.agent;
    this.terminal = parts.sockets.console;
    this.pid = parts.pid;
    this.translations = parts.translations;
    this.#kill = parts.kill;
    this.qmp = new Qmp(parts.sockets.qmp, (event) => this.#observe(event));
    this.ended = parts.exit.then(async (exit) => {
      await this.console.close();
      await this.translations?.close();
      return this.#cause ?? exit;
    });
  }

  /** Starts QEMU; what the guest then does is up to the guest. */
  static async start(machine: Machine, options: StartOptions): Promise<VirtualMachine> {
    options.signal.throwIfAborted();
    const qemu = await findQemu();
    const args = qemuArguments(machine, options.origin);
    const { forkLibrary, replayLibrary, temporaryFolder } = options;
    const library = forkLibrary ?? replayLibrary;
    const disk = machine.diskMiB === undefined ? undefined : await namelessFile(machine.diskMiB);
    const translations = machine.translations && (await TranslatedBlocks.create());
    const child = spawn(...guarded(qemu, args, library !== undefined), {
      env: temporaryFolder === undefined ? process.env : { ...process.env, TMPDIR: temporaryFolder },
      detached: machine.gdbSocket !== undefined,
      stdio: [
        ...["ignore", "ignore", "pipe", "pipe", "pipe", "pipe"],
        ...inheritedFiles(options.files, {
          disk: disk?.fd,
          fork: forkLibrary === undefined ? undefined : "pipe",
          library,
          translations: translations?.descriptor,
        }),
      ] as StdioOptions,
    });
    // QEMU has it, or there is none.
    await disk?.close();
    const stderr = collectTail(child.stderr);
    const exit = exitOf(child, stderr);
    if (child.pid === undefined) {
      const error = await exit.then(() => undefined, messageOf);
      await translations?.close();
      throw new RexTestError("cannot start QEMU", { detail: error, where: qemu, hint: hintFor(error) });
    }
    const running = {
      machine,
      commandLine: shellCommand(qemu, qemuArguments(machine)),
      consoleFile: options.consoleFile,
      sockets: {
        qmp: socketAt(child.stdio, inheritedFds.qmp),
        agent: socketAt(child.stdio, inheritedFds.agent),
        console: socketAt(child.stdio, inheritedFds.console),
      },
      pid: child.pid,
      exit,
      kill: () => child.kill("SIGKILL"),
      translations,
    };
    const isForkable = forkLibrary !== undefined;
    const vm = new VirtualMachine(running, isForkable ? socketAt(child.stdio, inheritedFds.fork) : undefined);
    vm.endOn(options.signal);
    return vm;
  }

  /** How long the recording is, once it is complete. */
  get recordedInstructions(): number | undefined {
    return this.#recordedInstructions;
  }

  /** Ends the machine when the signal is aborted. */
  endOn(signal: AbortSignal): void {
    const onAbort = () => void this.end();
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    void this.ended.then(() => signal.removeEventListener("abort", onAbort));
  }

  /** Ends the machine, whatever it is doing. Its disk is RAM, so there is nothing to be gentle with. */
  async end(): Promise<MachineEnd> {
    this.#cause ??= { kind: "ended" };
    if (this.machine.recording?.mode === "record") await this.#finishRecording();
    this.#kill();
    const limit = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => limit.reject(new RexTestError(`QEMU (pid ${this.pid}) survived SIGKILL for ${killLimitMs} ms`)),
      killLimitMs,
    );
    try {
      return await Promise.race([this.ended, limit.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Instructions that the guest has executed; of a machine that records or replays. */
  async executedInstructions(): Promise<number> {
    const answer = await this.qmp.execute("query-replay");
    if (typeof answer === "object" && answer !== null && "icount" in answer) return Number(answer.icount);
    throw new RexTestError("QEMU does not say how many instructions the guest has executed");
  }

  /** QEMU completes a recording when it ends by itself. */
  #finishRecording(): Promise<void> {
    this.#finishing ??= (async () => {
      try {
        await this.qmp.execute("stop");
        this.#recordedInstructions = await this.executedInstructions();
        await this.qmp.execute("quit");
      } catch {
        // QEMU has ended already, or will be killed; who replays finds the recording incomplete.
      }
      await Promise.race([this.ended, sleep(killLimitMs, undefined, { ref: false })]);
    })();
    return this.#finishing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  /** QEMU says why it ends before it does. */
  #observe(event: QmpEvent): void {
    if (event.event !== "SHUTDOWN") return;
    if (this.machine.recording?.mode === "record") void this.#finishRecording();
    const reason = event.data["reason"];
    if (reason === "guest-reset") this.#cause ??= { kind: "reset" };
    else if (reason === "guest-shutdown") this.#cause ??= { kind: "poweroff" };
  }
}

/** From descriptor 6 on: those that are given in their order, others at their places. */
function inheritedFiles(
  files: readonly number[] = [],
  others: Readonly<Partial<Record<keyof typeof inheritedFds, number | "pipe" | undefined>>>,
): (number | "ignore" | "pipe")[] {
  const first = inheritedFds.ram;
  const inherited: (number | "ignore" | "pipe")[] = [...files];
  for (const [name, fd] of Object.entries(inheritedFds)) {
    const what = others[name as keyof typeof inheritedFds];
    if (what === undefined) continue;
    while (inherited.length < fd - first) inherited.push("ignore");
    inherited[fd - first] = what;
  }
  return inherited;
}

/** Full of zeroes, taking no room for them, and gone with whoever has it open. */
async function namelessFile(sizeMiB: number): Promise<FileHandle> {
  const path = join(tmpdir(), `rex-test-disk-${process.pid}-${randomBytes(6).toString("hex")}`);
  const file = await open(path, "wx+", 0o600);
  try {
    await unlink(path);
    await file.truncate(sizeMiB * 1024 * 1024);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * QEMU is to die with this process even when that is killed with SIGKILL: the kernel sends it SIGKILL when its parent
 * goes (prctl PR_SET_PDEATHSIG). The shell closes the gap in which the parent died before the wish was registered.
 */
function guarded(qemu: string, args: readonly string[], hasLibrary: boolean): [string, string[]] {
  const preload = hasLibrary ? `env LD_PRELOAD=/proc/self/fd/${inheritedFds.library} ` : "";
  const check = `[ "$PPID" = "$0" ] || exit 1; exec ${preload}"$@"`;
  return [
    "setpriv",
    ["--pdeathsig", "KILL", "--", "/bin/sh", "-c", check, String(process.pid), qemu, ...args],
  ];
}

function socketAt(stdio: readonly unknown[], fd: number): Duplex {
  // Node makes a socket pair for each extra "pipe" entry, so that these are duplex although they are typed as readable.
  const stream = stdio[fd] as Duplex;
  stream.on("error", () => undefined); // a reset by the dying QEMU; `ended` tells
  return stream;
}

/** The end of what a stream says. */
export function collectTail(stream: NodeJS.ReadableStream | null): () => string {
  let text = "";
  stream?.on("data", (chunk: Buffer) => {
    text = (text + chunk.toString("utf8")).slice(-stderrLimit);
  });
  return () => text.trim();
}

/** Settles when the process has ended and all that it wrote has been read. */
function exitOf(child: ChildProcess, stderr: () => string): Promise<MachineEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<MachineEnd>();
  child.on("error", reject);
  child.once("close", (exitCode, signal) =>
    resolve({
      kind: "qemu-failed",
      ...(exitCode === null ? {} : { exitCode }),
      ...(signal === null ? {} : { signal }),
      stderr: stderr(),
    }),
  );
  return promise;
}
