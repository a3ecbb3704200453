// SPDX-License-Identifier: MIT
// A guest that is debugged, or recorded for that: the places of programs are noted for gdb as they are loaded.
import type { Duplex } from "node:stream";
import type { Hello, MethodName, Methods } from "../protocol/generated.ts";
import type { CallLimits, Guest, GuestReport, GuestVerdict } from "../test/guests/guest.ts";
import type { ProgramSymbols } from "./program-symbols.ts";

/** The guest itself; gdb is told of the programs that are loaded into it. */
export class DebuggedGuest implements Guest {
  readonly hello: Hello;
  readonly readyMs: number;
  readonly over: Promise<GuestVerdict>;
  readonly #guest: Guest;
  readonly #symbols: ProgramSymbols;
  readonly #isHeld: boolean;

  constructor(guest: Guest, symbols: ProgramSymbols, { isHeld }: { readonly isHeld: boolean }) {
    this.#isHeld = isHeld;
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
    return this.#isHeld || (await this.#guest.isAnswering());
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
