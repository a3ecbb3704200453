// SPDX-License-Identifier: MIT
// Boots the machine that clones are made of, up to where its agent answers, and saves it there.
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Machine } from "../../../qemu/machine.ts";
import { saveState } from "../../../qemu/snapshot.ts";
import { VirtualMachine } from "../../../qemu/virtual-machine.ts";
import type { Hello, LogRecord } from "../../protocol/generated.ts";
import { RexTestError } from "../../support/errors.ts";
import { type BootRecord, fileNames } from "../snapshots/snapshot.ts";
import { untilItHasATimer } from "./boot-provider.ts";
import type { Guest, GuestReport, GuestVerdict, StartResult } from "./guest.ts";
import { MachineGuest } from "./machine-guest.ts";

export interface TemplateOptions {
  readonly consoleFile: string;
  readonly bootLimitMs: number;
  /** Factor over the usual limit of a call. */
  readonly slowness: number;
  readonly signal: AbortSignal;
}

/** It did not boot: what a test on such a guest is to be told. */
export class TemplateDidNotBoot extends Error {
  readonly report: GuestReport & { readonly verdict: GuestVerdict };

  constructor(report: GuestReport & { readonly verdict: GuestVerdict }) {
    super(report.verdict.reason);
    this.report = report;
  }
}

const syncLimitMs = 15_000;
/** It is a second of the guest's time. Clones of one that takes longer are as good, and have that ahead of them. */
const clockLimitMs = 5_000;
const clockPollMs = 50;

/** Leaves RAM and state in `folder`. */
export async function makeTemplate(
  machine: Machine,
  folder: string,
  options: TemplateOptions,
): Promise<BootRecord> {
  const template = new Template(machine, join(folder, fileNames.ram), options);
  const started = await untilItHasATimer(() => template.boot());
  if (!started.started) {
    // Its memory is a file: where the disk is full, there is no page to be had for it.
    if (await template.lackedMemory())
      throw new RexTestError("the disk was full before the machine to be cloned was made", { where: folder });
    throw new TemplateDidNotBoot(started.report);
  }
  await using guest = started.guest;
  await untilItsClockIsChosen(guest, options);
  // What the kernel has logged so far is told to this host; clones tell what came after it.
  await guest.call("logSync", {}, { timeoutMs: syncLimitMs * options.slowness, signal: options.signal });
  // Awaited here: the guest is ended where this function is left.
  return await template.save(join(folder, fileNames.state), guest.hello);
}

class Template {
  readonly #machine: Machine;
  readonly #ramFile: string;
  readonly #options: TemplateOptions;
  #vm: VirtualMachine | undefined;
  #log: LogRecord[] = [];

  constructor(machine: Machine, ramFile: string, options: TemplateOptions) {
    this.#machine = machine;
    this.#ramFile = ramFile;
    this.#options = options;
  }

  async boot(): Promise<StartResult> {
    const { consoleFile, signal, bootLimitMs: limitMs } = this.#options;
    await emptyFile(this.#ramFile, this.#machine.memoryMiB);
    this.#log = [];
    const log = this.#log;
    const startedAt = performance.now();
    const origin = { kind: "template", ramFile: this.#ramFile } as const;
    this.#vm = await VirtualMachine.start(this.#machine, { signal, consoleFile, origin });
    return MachineGuest.meet(
      this.#vm,
      { consoleFile, startedAt, limitMs },
      { signal, onLog: (records) => log.push(...records) },
    );
  }

  /** Of a template that has ended. */
  async lackedMemory(): Promise<boolean> {
    const end = await this.#vm?.ended;
    return end?.kind === "qemu-failed" && end.signal === "SIGBUS";
  }

  async save(stateFile: string, hello: Hello): Promise<BootRecord> {
    const vm = this.#vm;
    if (vm === undefined) throw new Error("a template is booted before it is saved");
    await saveState(vm.qmp, stateFile, this.#options.signal);
    // Whatever the guest said until it stopped has arrived when QEMU is gone.
    await vm.end();
    return { hello, console: vm.console.lines.map((line) => `${line}\n`).join(""), log: this.#log };
  }
}

/**
 * A second or so after its boot the kernel goes over from the clocksource tsc-early to tsc. For that it stops all CPUs: every clone
 * would do it during its test, and wait with it for a program that keeps a CPU to itself.
 */
async function untilItsClockIsChosen(guest: Guest, { slowness, signal }: TemplateOptions): Promise<void> {
  const path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  const giveUpAt = performance.now() + clockLimitMs * slowness;
  while (performance.now() < giveUpAt) {
    const { data } = await guest.call("readFile", { path }, { timeoutMs: syncLimitMs * slowness, signal });
    if (Buffer.from(data, "base64").toString().trim() !== "tsc-early") return;
    await new Promise((resolve) => setTimeout(resolve, clockPollMs));
  }
}

/** Full of zeroes, and taking no room for them. What is in a guest's memory is nobody else's business. */
async function emptyFile(path: string, sizeMiB: number): Promise<void> {
  await using file = await open(path, "w", 0o600);
  await file.truncate(sizeMiB * 1024 * 1024);
}
