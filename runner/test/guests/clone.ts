// SPDX-License-Identifier: MIT
// A clone of a snapshot: a QEMU that waits, and then goes on where the template stopped, as a guest of its own.
import { randomBytes } from "node:crypto";
import type { Machine } from "../../../qemu/machine.ts";
import { inheritedFds } from "../../../qemu/machine.ts";
import { leaveRamOut, restoreState } from "../../../qemu/snapshot.ts";
import { VirtualMachine } from "../../../qemu/virtual-machine.ts";
import type { Hello, LogRecord } from "../../protocol/generated.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import type { Snapshot } from "../snapshots/snapshot.ts";
import type { StartContext, StartResult } from "./guest.ts";
import { MachineGuest } from "./machine-guest.ts";

const entropyBytes = 64;

export interface AwakeOptions {
  readonly consoleFile: string;
  readonly startedAt: number;
  readonly limitMs: number;
}

/** QEMU with everything but the state. It costs no CPU, and of memory what QEMU itself takes. */
export class WaitingClone implements AsyncDisposable {
  readonly #vm: VirtualMachine;
  readonly #snapshot: Snapshot;
  readonly #prepared: Promise<void>;
  #ended = false;

  private constructor(vm: VirtualMachine, snapshot: Snapshot, startLimitMs: number) {
    this.#vm = vm;
    this.#snapshot = snapshot;
    this.#prepared = leaveRamOut(vm.qmp, startLimitMs);
    // Told by whoever wakes it.
    this.#prepared.catch(() => undefined);
    void vm.ended.then(() => {
      this.#ended = true;
    });
  }

  static async start(
    machine: Machine,
    snapshot: Snapshot,
    startLimitMs: number,
    signal: AbortSignal,
  ): Promise<WaitingClone> {
    await using state = await snapshot.openState();
    const vm = await VirtualMachine.start(machine, {
      signal,
      // By descriptor: the snapshot's folder may be gone by now.
      origin: { kind: "clone", ramFile: `/proc/self/fd/${inheritedFds.ram}` },
      files: [snapshot.ramDescriptor, state.fd],
    });
    return new WaitingClone(vm, snapshot, startLimitMs);
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Lets it run, and makes sure that it shares neither random numbers nor the clock with other clones. */
  async wake(options: AwakeOptions, context: StartContext): Promise<StartResult> {
    this.#vm.endOn(context.signal);
    this.#vm.console.keepIn(options.consoleFile);
    const log = new HeldLog(this.#snapshot.boot.log, context.onLog);
    const earlierConsole = Buffer.from(this.#snapshot.boot.console);
    const { limitMs } = options;
    const greet = async (channel: RpcChannel): Promise<Hello> => {
      await this.#prepared;
      // The request waits in the socket for the guest that will read it.
      await Promise.all([renew(channel, limitMs), restoreState(this.#vm.qmp, limitMs)]);
      return this.#snapshot.boot.hello;
    };
    const { signal } = context;
    const introduction = { ...options, earlierConsole, greet };
    const result = await MachineGuest.meet(this.#vm, introduction, {
      signal,
      onLog: (records) => log.add(records),
    });
    if (result.started) log.release();
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#vm.end();
  }
}

/** The log of a clone that may yet be replaced by another one, which begins with the same records. */
class HeldLog {
  readonly #onLog: StartContext["onLog"];
  #held: LogRecord[] | undefined;

  constructor(earlier: readonly LogRecord[], onLog: StartContext["onLog"]) {
    this.#held = [...earlier];
    this.#onLog = onLog;
  }

  add(records: readonly LogRecord[]): void {
    if (this.#held === undefined) this.#onLog(records);
    else this.#held.push(...records);
  }

  release(): void {
    if (this.#held !== undefined) this.#onLog(this.#held);
    this.#held = undefined;
  }
}

async function renew(channel: RpcChannel, timeoutMs: number): Promise<void> {
  const entropy = randomBytes(entropyBytes).toString("base64");
  const realtimeNs = String(BigInt(Date.now()) * 1_000_000n);
  await channel.call("renew", { entropy, realtimeNs }, { timeoutMs });
}
