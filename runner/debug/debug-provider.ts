// SPDX-License-Identifier: MIT
// Gives a test a guest that stands still under gdb when the test begins.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countedTscKhz } from "../../qemu/machine.ts";
import type { Prepared } from "../test/engine/prepare.ts";
import type { GuestProvider, GuestRequest, StartContext, StartResult } from "../test/guests/guest.ts";
import { guestMachine } from "../test/guests/guest-machine.ts";
import { MachineGuest } from "../test/guests/machine-guest.ts";
import { DebuggedGuest } from "./debugged-guest.ts";
import { Gdb, gdbFiles, liveCommands } from "./gdb.ts";
import { ProgramSymbols } from "./program-symbols.ts";

export interface DebugOptions {
  /** The guest's clocks count its instructions: the same every time. */
  readonly countsInstructions: boolean;
}

export class DebugProvider implements GuestProvider {
  readonly #prepared: Prepared;
  readonly #options: DebugOptions;
  readonly #folders: string[] = [];
  readonly #debuggers: Gdb[] = [];

  constructor(prepared: Prepared, options: DebugOptions) {
    this.#prepared = prepared;
    this.#options = options;
  }

  async start(request: GuestRequest, context: StartContext): Promise<StartResult> {
    const folder = await mkdtemp(join(tmpdir(), "rex-test-gdb-"));
    this.#folders.push(folder);
    const files = gdbFiles(folder);
    const { guests, kernel, compiler } = this.#prepared;
    const counted = { ...guests, countsInstructions: true, tscKhz: countedTscKhz };
    const machine = {
      // Symbols are where the kernel was linked to.
      ...guestMachine(this.#options.countsInstructions ? counted : guests, {
        ...request,
        kernelParameters: [...request.kernelParameters, "nokaslr"],
      }),
      gdbSocket: files.socket,
    };
    const boot = { consoleFile: request.consoleFile, bootLimitMs: guests.bootLimitMs * guests.slowness.time };
    const result = await MachineGuest.boot(machine, boot, context);
    if (!result.started) return result;
    try {
      const gdb = await Gdb.start(files, join(kernel.path, "vmlinux.debug"), liveCommands);
      this.#debuggers.push(gdb);
      await gdb.attached();
    } catch (error) {
      await result.guest[Symbol.asyncDispose]();
      throw error;
    }
    return {
      started: true,
      guest: new DebuggedGuest(result.guest, new ProgramSymbols(compiler, files.programs), { isHeld: true }),
    };
  }

  /** The person may want to look at what is left; the report comes when gdb is gone, which has the terminal until then. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const gdb of this.#debuggers) await gdb.ended;
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }
}
