// SPDX-License-Identifier: MIT
// Gives every test a guest by booting one.
import type { Accelerator, Machine, MachineType } from "../../../qemu/machine.ts";
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
  readonly bootLimitMs: number;
}

export class BootProvider implements GuestProvider {
  readonly #base: GuestBase;

  constructor(base: GuestBase) {
    this.#base = base;
  }

  start(request: GuestRequest, context: StartContext): Promise<StartResult> {
    const { consoleFile } = request;
    return BootedGuest.boot(
      this.#machine(request),
      { consoleFile, bootLimitMs: this.#base.bootLimitMs },
      context,
    );
  }

  #machine(request: GuestRequest): Machine {
    return {
      type: this.#base.machineType,
      accelerator: this.#base.accelerator,
      cpus: request.cpus,
      memoryMiB: request.memoryMiB,
      kernel: this.#base.kernel,
      initrd: this.#base.initrd,
      tscKhz: this.#base.machineType === "microvm" ? this.#base.tscKhz : undefined,
      agentPort: PORT_NAME,
      hostShare: request.hostTools ? { path: "/", tag: HOST_ROOT_TAG } : undefined,
    };
  }
}
