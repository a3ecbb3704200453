// SPDX-License-Identifier: MIT
// Gives a test a guest that stands still under gdb when the test begins.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { countedTscKhz } from "../../qemu/machine.ts";
import type { Hello, MethodName, Methods } from "../protocol/generated.ts";
import type { Prepared } from "../test/engine/prepare.ts";
import type {
  CallLimits,
  Guest,
  GuestProvider,
  GuestReport,
  GuestRequest,
  GuestVerdict,
  StartContext,
  StartResult,
} from "../test/guests/guest.ts";
import { guestMachine } from "../test/guests/guest-machine.ts";
import { MachineGuest } from "../test/guests/machine-guest.ts";
import { Gdb, gdbFiles } from "./gdb.ts";
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
      const gdb = await Gdb.start(files, join(kernel.path, "vmlinux.debug"));
      this.#debuggers.push(gdb);
      await gdb.attached();
    } catch (error) {
      await result.guest[Symbol.asyncDispose]();
      throw error;
    }
    return {
      started: true,
      guest: new DebuggedGuest(result.guest, new ProgramSymbols(compiler, files.programs)),
    };
  }

  /** The person may want to look at what is left; the report comes when gdb is gone, which has the terminal until then. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const gdb of this.#debuggers) await gdb.ended;
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }
}

/** The guest itself; gdb is told of the programs that are loaded into it. */
class DebuggedGuest implements Guest {
  readonly hello: Hello;
  readonly readyMs: number;
  readonly over: Promise<GuestVerdict>;
  readonly #guest: Guest;
  readonly #symbols: ProgramSymbols;

  constructor(guest: Guest, symbols: ProgramSymbols) {
    this.hello = guest.hello;
    this.readyMs = guest.readyMs;
    this.over = guest.over;
    this.#guest = guest;
    this.#symbols = symbols;
  }

  get console(): readonly string[] {
    return this.#guest.console;
  }

  get origin(): Guest["origin"] {
    return this.#guest.origin;
  }

  handOver(consoleFile: string, wantedAt: number): void {
    this.#guest.handOver(consoleFile, wantedAt);
  }

  report(): GuestReport {
    return this.#guest.report();
  }

  get terminal(): Duplex {
    return this.#guest.terminal;
  }

  async call<M extends MethodName>(
    method: M,
    params: Methods[M]["params"],
    limits: CallLimits,
  ): Promise<Methods[M]["result"]> {
    const result = await this.#guest.call(method, params, limits);
    // Without its symbols the program still runs: what goes wrong here is not the test's concern.
    if (method === "load" && "object" in params && typeof params.object === "string")
      await this.#symbols.add(this.#guest, params.object).catch(() => undefined);
    return result;
  }

  /** A guest that gdb holds does not answer, and is well. */
  async isAnswering(): Promise<boolean> {
    return true;
  }

  openDoors(...args: Parameters<Guest["openDoors"]>): ReturnType<Guest["openDoors"]> {
    return this.#guest.openDoors(...args);
  }

  finish(): Promise<GuestReport> {
    return this.#guest.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#guest[Symbol.asyncDispose]();
  }
}
