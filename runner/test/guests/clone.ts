// SPDX-License-Identifier: MIT
// A clone of a snapshot: a QEMU that goes on where the template stopped, as a guest of its own.
import { randomBytes } from "node:crypto";
import type { Machine } from "../../../qemu/machine.ts";
import { inheritedFds } from "../../../qemu/machine.ts";
import { leaveRamOut, restoreState } from "../../../qemu/snapshot.ts";
import { VirtualMachine } from "../../../qemu/virtual-machine.ts";
import type { Hello, LogRecord } from "../../protocol/generated.ts";
import { untilAborted } from "../../support/abort.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import type { BootRecord, Snapshot } from "../snapshots/snapshot.ts";
import type { GuestOrigin, StartContext, StartResult } from "./guest.ts";
import { MachineGuest } from "./machine-guest.ts";

const entropyBytes = 64;

export interface HandOver {
  readonly consoleFile: string;
  /** Of `performance.now()`, when somebody began to wait for this guest. */
  readonly wantedAt: number;
}

export interface CloneStart {
  /** From the start of QEMU to the guest's first answer. */
  readonly limitMs: number;
  /** Of the run: whose guest this will be is not known yet. */
  readonly signal: AbortSignal;
}

/** Has the agent speak; settles when it has. */
export type Wake = (channel: RpcChannel, limitMs: number) => Promise<void>;

/** Lets a machine run, and gives its guest what no two guests may share. */
export function renewing(run: (limitMs: number) => Promise<unknown>): Wake {
  return async (channel, limitMs) => {
    // The request waits in the socket for the guest that will read it.
    await Promise.all([renew(channel, limitMs), run(limitMs)]);
  };
}

/** A QEMU that waits for a snapshot's state; with a library, one that can be forked. */
export async function startRestored(
  machine: Machine,
  snapshot: Snapshot,
  signal: AbortSignal,
  forkLibrary?: number,
): Promise<VirtualMachine> {
  await using state = await snapshot.openState();
  return await VirtualMachine.start(machine, {
    signal,
    // By descriptor: the snapshot's folder may be gone by now.
    origin: { kind: "clone", ramFile: `/proc/self/fd/${inheritedFds.ram}` },
    files: [snapshot.ramDescriptor, state.fd],
    forkLibrary,
  });
}

/** A clone that has come to life, or soon will have, and waits for a test. It sleeps meanwhile. */
export class WaitingClone implements AsyncDisposable {
  readonly #vm: VirtualMachine;
  readonly #boot: BootRecord;
  readonly #log: HeldLog;
  readonly #meeting: Promise<StartResult<MachineGuest>>;
  #ended = false;

  /** Of a machine that has been there before, and whose agent answers when `wake` has been called. */
  constructor(
    vm: VirtualMachine,
    boot: BootRecord,
    { limitMs, signal, origin }: CloneStart & { readonly origin: GuestOrigin },
    wake: Wake,
  ) {
    this.#vm = vm;
    this.#boot = boot;
    this.#log = new HeldLog(boot.log);
    const introduction = {
      startedAt: performance.now(),
      limitMs,
      earlierConsole: Buffer.from(boot.console),
      origin,
      greet: async (channel: RpcChannel): Promise<Hello> => {
        await wake(channel, limitMs);
        return boot.hello;
      },
    };
    const onLog = (records: readonly LogRecord[]) => this.#log.add(records);
    this.#meeting = MachineGuest.meet(vm, introduction, { signal, onLog });
    // Told to whoever takes it.
    this.#meeting.catch(() => undefined);
    void vm.ended.then(() => {
      this.#ended = true;
    });
  }

  /** Loads a snapshot's state into a machine that waits for it. */
  static restored(vm: VirtualMachine, snapshot: Snapshot, start: CloneStart): WaitingClone {
    const wake = renewing((limitMs) => restoreState(vm.qmp, limitMs));
    return new WaitingClone(vm, snapshot.boot, { ...start, origin: "clone" }, async (channel, limitMs) => {
      await leaveRamOut(vm.qmp, limitMs);
      await wake(channel, limitMs);
    });
  }

  static async start(machine: Machine, snapshot: Snapshot, start: CloneStart): Promise<WaitingClone> {
    return WaitingClone.restored(await startRestored(machine, snapshot, start.signal), snapshot, start);
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Settles when its agent has answered, or will not. */
  meet(): Promise<StartResult<MachineGuest>> {
    return this.#meeting;
  }

  /** What happened up to now, for those that go on from here. */
  record(): BootRecord {
    const console = this.#vm.console.lines.map((line) => `${line}\n`).join("");
    return { hello: this.#boot.hello, console, log: this.#log.held };
  }

  /** Becomes the guest of a test. */
  async handOver({ consoleFile, wantedAt }: HandOver, context: StartContext): Promise<StartResult> {
    this.#vm.endOn(context.signal);
    const result = await untilAborted(this.#meeting, context.signal);
    if (!result.started) return { started: false, report: { ...result.report, consoleFile } };
    result.guest.handOver(consoleFile, wantedAt);
    this.#log.release(context.onLog);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#vm.end();
  }
}

/** The log of a clone that waits, or that may yet be replaced by another one, which begins with the same records. */
class HeldLog {
  #onLog: StartContext["onLog"] | undefined;
  #held: LogRecord[];

  constructor(earlier: readonly LogRecord[]) {
    this.#held = [...earlier];
  }

  get held(): readonly LogRecord[] {
    return [...this.#held];
  }

  add(records: readonly LogRecord[]): void {
    if (this.#onLog === undefined) this.#held.push(...records);
    else this.#onLog(records);
  }

  release(onLog: StartContext["onLog"]): void {
    this.#onLog = onLog;
    onLog(this.#held);
    this.#held = [];
  }
}

async function renew(channel: RpcChannel, timeoutMs: number): Promise<void> {
  const entropy = randomBytes(entropyBytes).toString("base64");
  const realtimeNs = String(BigInt(Date.now()) * 1_000_000n);
  await channel.call("renew", { entropy, realtimeNs }, { timeoutMs });
}
