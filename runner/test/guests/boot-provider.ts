// SPDX-License-Identifier: MIT
// Gives every test a guest by booting one.
import type { Accelerator, Machine, MachineType } from "../../../qemu/machine.ts";
import type { Slowness } from "../../kernel/config.ts";
import { HOST_ROOT_TAG, PORT_NAME } from "../../protocol/generated.ts";
import { BootedGuest } from "./booted-guest.ts";
import type { GuestProvider, GuestRequest, StartContext, StartResult } from "./guest.ts";

/** What the guests of a run have in common. */
export interface GuestBase {
  readonly kernel: string;
  readonly initrd: string;
  readonly accelerator: Accelerator;
  readonly machineType: MachineType;
  readonly tscKhz: number | undefined;
  /** See Machine. */
  readonly countsInstructions?: boolean | undefined;
  readonly bootLimitMs: number;
  /** Of the kernel: its guests get more time and memory. */
  readonly slowness: Slowness;
}

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

export class BootProvider implements GuestProvider {
  readonly #base: GuestBase;

  constructor(base: GuestBase) {
    this.#base = base;
  }

  async start(request: GuestRequest, context: StartContext): Promise<StartResult> {
    const options = {
      consoleFile: request.consoleFile,
      bootLimitMs: this.#base.bootLimitMs * this.#base.slowness.time,
    };
    for (let attempt = 1; ; attempt += 1) {
      const result = await BootedGuest.boot(this.#machine(request), options, context);
      if (attempt === mostBoots || !(await isWithoutTimer(result))) return result;
    }
  }

  #machine(request: GuestRequest): Machine {
    return {
      type: this.#base.machineType,
      accelerator: this.#base.accelerator,
      cpus: request.cpus,
      memoryMiB: Math.ceil(request.memoryMiB * this.#base.slowness.memory),
      kernel: this.#base.kernel,
      initrd: this.#base.initrd,
      countsInstructions: this.#base.countsInstructions,
      tscKhz: this.#base.machineType === "microvm" ? this.#base.tscKhz : undefined,
      agentPort: PORT_NAME,
      append: request.kernelParameters,
      hostShare: request.hostTools ? { path: "/", tag: HOST_ROOT_TAG } : undefined,
    };
  }
}
