// SPDX-License-Identifier: MIT
// Records the guests of a test, and has gdb on the recording, where it can go back.
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { countedTscKhz, type Machine } from "../../qemu/machine.ts";
import { replayLibrary } from "../../qemu/replay/library.ts";
import { VirtualMachine } from "../../qemu/virtual-machine.ts";
import { exists } from "../support/cache.ts";
import { RexTestError } from "../support/errors.ts";
import type { Prepared } from "../test/engine/prepare.ts";
import type { GuestProvider, GuestRequest, StartContext, StartResult } from "../test/guests/guest.ts";
import { guestMachine } from "../test/guests/guest-machine.ts";
import { MachineGuest } from "../test/guests/machine-guest.ts";
import { DebuggedGuest } from "./debugged-guest.ts";
import { Gdb, type GdbFiles, gdbFiles, replayCommands } from "./gdb.ts";
import { ProgramSymbols } from "./program-symbols.ts";

/** How much longer a recorded guest may take for everything. */
export const recordingPatience = 10;
/** From the start to the beginning of the test; a recording took a tenth of that at most. */
const replayLimitMs = 300_000;
const pollMs = 200;
/** Where the test begins the guest waits for the host. gdb finds it where it has begun to do something. */
const beginningInstructions = 1_000;
/** At its end the recording has what QEMU does not come back from; gdb stops it before. */
const endInstructions = 1_000;

interface Recording {
  readonly machine: Machine;
  readonly file: string;
  readonly folder: string;
  readonly files: GdbFiles;
  readonly vmlinux: string;
  readonly vm: VirtualMachine;
  /** Instructions before the test. */
  readonly beginning: number;
}

export class Recorder implements AsyncDisposable {
  readonly #folders: string[] = [];
  #newest: Recording | undefined;

  /** Of guests whose inputs are recorded. */
  provider(prepared: Prepared): GuestProvider {
    return {
      start: (request, context) => this.#record(prepared, request, context),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  /** Until gdb has ended. */
  async replay(signal: AbortSignal): Promise<void> {
    const recording = this.#newest;
    if (recording === undefined)
      throw new RexTestError("there is no recording: no guest has started", {
        hint: "the report says why",
      });
    const { vm, folder, machine, file, files, vmlinux, beginning } = recording;
    await vm.ended;
    const end = vm.recordedInstructions;
    if (end === undefined) throw new RexTestError("QEMU did not complete the recording", { where: file });
    const library = await open(await replayLibrary(signal));
    try {
      const replayed = { ...machine, recording: { mode: "replay", file }, gdbSocket: files.socket } as const;
      const options = { signal, replayLibrary: library.fd, temporaryFolder: folder };
      await using replaying = await VirtualMachine.start(replayed, options);
      await goTo(replaying, beginning + beginningInstructions);
      const gdb = await Gdb.start(files, vmlinux, replayCommands(files, end - endInstructions));
      await gdb.attached();
      const early = await Promise.race([gdb.ended.then(() => undefined), replaying.ended]);
      await gdb.ended;
      // gdb only says that the connection is closed. When it is left the replay goes on, and may end as it likes.
      if (early?.kind === "qemu-failed" && early.exitCode !== 0 && !(await exists(files.left)))
        throw endedEarly(early.stderr);
    } finally {
      await library.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }

  async #record(prepared: Prepared, request: GuestRequest, context: StartContext): Promise<StartResult> {
    refuseWhatIsNotRecorded(request);
    const folder = await mkdtemp(join(tmpdir(), "rex-test-recording-"));
    this.#folders.push(folder);
    const files = gdbFiles(folder);
    const file = join(folder, "recording.bin");
    const { guests, kernel, compiler } = prepared;
    const counted = { ...guests, machineType: "microvm", tscKhz: countedTscKhz } as const;
    const machine: Machine = {
      // Symbols are where the kernel was linked to.
      ...guestMachine(counted, {
        ...request,
        kernelParameters: [...request.kernelParameters, "nokaslr"],
      }),
      recording: { mode: "record", file },
    };
    const bootLimitMs = guests.bootLimitMs * guests.slowness.time * recordingPatience;
    const boot = { consoleFile: request.consoleFile, bootLimitMs };
    const result = await MachineGuest.boot(machine, boot, context);
    if (!result.started) return result;
    const vm = result.guest.machine;
    const beginning = await vm.executedInstructions();
    const vmlinux = join(kernel.path, "vmlinux.debug");
    this.#newest = { machine, file, folder, files, vmlinux, vm, beginning };
    const symbols = new ProgramSymbols(compiler, files.programs);
    return { started: true, guest: new DebuggedGuest(result.guest, symbols, { isHeld: false }) };
  }
}

/** What else there is brings things into the guest that QEMU does not record. */
function refuseWhatIsNotRecorded({ net, diskMiB, hostTools }: GuestRequest): void {
  const what =
    net !== undefined
      ? "a network"
      : diskMiB !== undefined
        ? "a disk"
        : hostTools
          ? "the host's files"
          : undefined;
  if (what === undefined) return;
  throw new RexTestError(`a guest with ${what} can't be recorded`, {
    hint: "rex-test debug ID --icount runs it with gdb on it",
  });
}

/** Runs the replay, which stands still, up to this count of instructions. */
async function goTo(vm: VirtualMachine, icount: number): Promise<void> {
  await vm.qmp.execute("replay-break", { icount });
  await vm.qmp.execute("cont");
  const giveUpAt = performance.now() + replayLimitMs;
  while (await isRunning(vm)) {
    if (performance.now() > giveUpAt)
      throw new RexTestError(`the replay did not reach the test within ${replayLimitMs} ms`);
    const end = await Promise.race([vm.ended, sleep(pollMs)]);
    if (end !== undefined) throw endedEarly(end.kind === "qemu-failed" ? end.stderr : end.kind);
  }
}

async function isRunning({ qmp }: VirtualMachine): Promise<boolean> {
  const status = await qmp.execute("query-status", {}, replayLimitMs);
  return typeof status === "object" && status !== null && "running" in status && status.running === true;
}

function endedEarly(detail: string): RexTestError {
  return new RexTestError("QEMU ended while it replayed the recording", { detail });
}
