// SPDX-License-Identifier: MIT
// Forks of one clone, which has been renewed and warmed up and is stopped: each goes on from there with all guest code that is translated.
import { type FileHandle, open } from "node:fs/promises";
import { ForkServer } from "../../../qemu/fork/fork-server.ts";
import type { Machine } from "../../../qemu/machine.ts";
import type { VirtualMachine } from "../../../qemu/virtual-machine.ts";
import { RexTestError } from "../../support/errors.ts";
import type { BootRecord, Snapshot } from "../snapshots/snapshot.ts";
import { type CloneStart, renewing, startRestored, WaitingClone } from "./clone.ts";
import { warmUp } from "./warm-up.ts";

export interface SourceStart extends CloneStart {
  /** Path of what makes QEMU forkable. */
  readonly library: string;
  /** See GuestBase. */
  readonly warmUpObject: string | undefined;
}

export class ForkSource implements AsyncDisposable {
  readonly #server: ForkServer;
  readonly #boot: BootRecord;
  readonly #children = new Set<VirtualMachine>();

  private constructor(server: ForkServer, boot: BootRecord) {
    this.#server = server;
    this.#boot = boot;
  }

  static async start(
    machine: Machine,
    snapshot: Snapshot,
    { library, warmUpObject, ...start }: SourceStart,
  ): Promise<ForkSource> {
    await using file: FileHandle = await open(library, "r");
    const vm = await startRestored(machine, snapshot, start.signal, file.fd);
    try {
      const parent = WaitingClone.restored(vm, snapshot, start);
      const met = await parent.meet();
      if (!met.started)
        throw new RexTestError("the machine to be forked did not start", {
          detail: met.report.verdict.reason,
        });
      await warmUp(met.guest, warmUpObject, { timeoutMs: start.limitMs, signal: start.signal });
      await vm.qmp.execute("stop", {}, start.limitMs);
      return new ForkSource(await ForkServer.start(vm), parent.record());
    } catch (error) {
      await vm.end();
      throw error;
    }
  }

  /** Guests that end with it. */
  get children(): number {
    return this.#children.size;
  }

  async fork(start: CloneStart): Promise<WaitingClone> {
    const vm = await this.#server.fork(start.limitMs);
    vm.endOn(start.signal);
    this.#children.add(vm);
    void vm.ended.then(() => this.#children.delete(vm));
    const wake = (limitMs: number) => vm.qmp.execute("cont", {}, limitMs);
    return new WaitingClone(vm, this.#boot, { ...start, origin: "fork" }, renewing(wake));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
