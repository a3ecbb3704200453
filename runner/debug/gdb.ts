// SPDX-License-Identifier: MIT
// gdb on a guest: what it is told at its start, and its life in the terminal.
import { spawn } from "node:child_process";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../support/cache.ts";
import { RexTestError } from "../support/errors.ts";
import { runProcess, succeeded } from "../support/process.ts";

const pollMs = 50;
const attachLimitMs = 60_000;

/** A RexTestError that says how to get gdb, unless it is there. */
export async function requireGdb(): Promise<void> {
  if (succeeded(await runProcess("gdb", ["--version"], { timeoutMs: 15_000 }))) return;
  throw new RexTestError("gdb is not installed", { hint: "sudo apt install gdb" });
}

export interface GdbFiles {
  readonly socket: string;
  /** Commands that add the symbols of programs; it grows as they are loaded. */
  readonly programs: string;
  readonly start: string;
  /** Made by gdb when it has stopped the guest. */
  readonly attached: string;
  /** Made by gdb when it is told to quit a recording. */
  readonly left: string;
}

export function gdbFiles(folder: string): GdbFiles {
  const at = (name: string) => join(folder, name);
  return {
    socket: at("gdb.sock"),
    programs: at("programs.gdb"),
    start: at("start.gdb"),
    attached: at("attached"),
    left: at("left"),
  };
}

/** What gdb does first: it connects, which stops the guest, and from then on looks for new programs at each stop. */
export function startCommands({ socket, programs, attached }: GdbFiles, more: readonly string[]): string {
  return [
    "set pagination off",
    "set confirm off",
    "set breakpoint pending on",
    `target remote ${socket}`,
    "define rex-symbols",
    `  source ${programs}`,
    "end",
    "document rex-symbols",
    "Add the symbols of the Rex programs that have been loaded; done at each stop.",
    "end",
    "define hook-stop",
    "  rex-symbols",
    "end",
    `shell touch ${attached}`,
    ...more,
    "",
  ].join("\n");
}

/** Of a guest that runs the test while gdb looks on. */
export const liveCommands = [
  "echo \\nThe guest stands still at the beginning of the test. `break rex_enter` and `continue` stop it where the first program runs;\\n",
  "echo from then on programs have names and lines: `break main.rs:4`. `detach` or `quit` let the test go on to its end.\\n",
];

/** Commands that may get to the end of a recording; QEMU does not come back from what it recorded there, its own end. */
const runningCommands = ["continue", "finish", "until", "advance"];

/** Of a recording that goes on to this count of instructions. */
export function replayCommands({ left }: GdbFiles, lastInstruction: number): readonly string[] {
  return [
    // QEMU has made a snapshot when gdb connected: that is as far as one can go back.
    "rex-symbols",
    ...runningCommands.flatMap((command) => [
      `define hook-${command}`,
      `  monitor replay_break ${lastInstruction}`,
      "end",
    ]),
    "define hook-quit",
    `  shell touch ${left}`,
    "end",
    "echo \\nThe recording stands at the beginning of the test. `break main.rs:4` and `continue` go forwards, `reverse-continue` to the\\n",
    "echo breakpoint before, `reverse-stepi` by an instruction. `quit` leaves the recording.\\n",
  ];
}

export class Gdb {
  /** Settles when it has ended, however. */
  readonly ended: Promise<void>;
  readonly #files: GdbFiles;
  #over = false;

  private constructor(files: GdbFiles, ended: Promise<void>) {
    this.#files = files;
    this.ended = ended.then(() => {
      this.#over = true;
    });
  }

  /** In this terminal, on the kernel with these symbols. */
  static async start(files: GdbFiles, vmlinux: string, more: readonly string[]): Promise<Gdb> {
    // What is in it already stays: the programs of a recording.
    await appendFile(files.programs, "");
    await writeFile(files.start, startCommands(files, more));
    const child = spawn("gdb", ["-q", "-x", files.start, vmlinux], { stdio: "inherit" });
    const { promise, resolve } = Promise.withResolvers<void>();
    child.once("close", () => resolve()).once("error", () => resolve());
    return new Gdb(files, promise);
  }

  /** Until it has stopped the guest. */
  async attached(): Promise<void> {
    const giveUpAt = performance.now() + attachLimitMs;
    while (!(await exists(this.#files.attached))) {
      if (this.#over) throw new RexTestError("gdb ended before it had reached the guest");
      if (performance.now() > giveUpAt)
        throw new RexTestError(`gdb did not reach the guest within ${attachLimitMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }
}
