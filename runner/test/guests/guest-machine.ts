// SPDX-License-Identifier: MIT
// The machine that a test's guest runs in.
import type { Accelerator, Machine, MachineType } from "../../../qemu/machine.ts";
import type { Slowness } from "../../kernel/config.ts";
import { HOST_ROOT_TAG, PORT_NAME } from "../../protocol/generated.ts";
import type { GuestRequest } from "./guest.ts";

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
  /** A program that machines run before others are forked from them, in base64 (warm-up.ts). */
  readonly warmUpObject?: string | undefined;
  /** Of the kernel: its guests get more time and memory. */
  readonly slowness: Slowness;
}

export function guestMachine(base: GuestBase, request: Omit<GuestRequest, "consoleFile">): Machine {
  return {
    type: base.machineType,
    accelerator: base.accelerator,
    cpus: request.cpus,
    cpusTakeTurns: request.cpusTakeTurns,
    memoryMiB: Math.ceil(request.memoryMiB * base.slowness.memory),
    kernel: base.kernel,
    initrd: base.initrd,
    countsInstructions: base.countsInstructions,
    tscKhz: base.machineType === "microvm" ? base.tscKhz : undefined,
    agentPort: PORT_NAME,
    net: request.net,
    diskMiB: request.diskMiB,
    translations: request.translations,
    append: request.kernelParameters,
    hostShare: request.hostTools ? { path: "/", tag: HOST_ROOT_TAG } : undefined,
  };
}
