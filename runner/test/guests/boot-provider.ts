// SPDX-License-Identifier: MIT
// Gives every test a guest by booting one.
import type { GuestProvider, GuestRequest, StartContext, StartResult } from "./guest.ts";
import { type GuestBase, guestMachine } from "./guest-machine.ts";
import { MachineGuest } from "./machine-guest.ts";

const mostBoots = 5;

/**
 * On a busy host the emulated APIC timer can fail its calibration; the guest then has no timer and stands still sooner or later. That
 * is the emulation's fault and known before the test begins, so that such a guest is replaced, not reported.
 */
async function isWithoutTimer(result: StartResult): Promise<boolean> {
  const lines = result.started ? result.guest.console : result.report.consoleTail;
  if (!lines.some((line) => line.includes("disabling apic timer"))) return false;
  if (result.started) await result.guest[Symbol.asyncDispose]();
  return true;
}

/** Boots until the guest is one with a timer. */
export async function untilItHasATimer(boot: () => Promise<StartResult>): Promise<StartResult> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await boot();
    if (attempt === mostBoots || !(await isWithoutTimer(result))) return result;
  }
}

export class BootProvider implements GuestProvider {
  readonly #base: GuestBase;

  constructor(base: GuestBase) {
    this.#base = base;
  }

  start(request: GuestRequest, context: StartContext): Promise<StartResult> {
    const { consoleFile } = request;
    const options = { consoleFile, bootLimitMs: this.#base.bootLimitMs * this.#base.slowness.time };
    return untilItHasATimer(() => MachineGuest.boot(guestMachine(this.#base, request), options, context));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Guests belong to those who asked for them.
  }
}
