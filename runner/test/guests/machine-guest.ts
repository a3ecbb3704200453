// SPDX-License-Identifier: MIT
// A guest in a machine of its own: the machine, the conversation with its agent, and the watch over both. How the machine
// came to be, booted or cloned, is told by whoever introduces the guest (`meet`).
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type Doors, openDoors } from "../../../qemu/doors.ts";
import type { Machine } from "../../../qemu/machine.ts";
import type { TranslatedBlocks } from "../../../qemu/translations/translated-blocks.ts";
import { VirtualMachine } from "../../../qemu/virtual-machine.ts";
import {
  type Hello,
  type KernelLog,
  type MethodName,
  type Methods,
  PROTOCOL_VERSION,
} from "../../protocol/generated.ts";
import { messageOf } from "../../support/errors.ts";
import { ChannelClosedError, NoAnswerError } from "../rpc/call-errors.ts";
import { RpcChannel } from "../rpc/channel.ts";
import type {
  CallLimits,
  Guest,
  GuestOrigin,
  GuestReport,
  GuestVerdict,
  GuestWire,
  StartContext,
  StartResult,
} from "./guest.ts";
import { GuestWatch } from "./watch.ts";

/** The agent answers a ping on a thread of its own: a guest that takes longer is not coming back. */
const pingLimitMs = 10_000;
/** A machine that ends closes its sockets before its end is known. */
const causeGraceMs = 1_000;

export interface BootOptions {
  readonly consoleFile: string;
  /** From the start of QEMU to the agent's hello. */
  readonly bootLimitMs: number;
}

export interface Introduction {
  /** Absent when that is not known yet. */
  readonly consoleFile?: string;
  /** Of `performance.now()`, when somebody began to wait for this guest. */
  readonly startedAt: number;
  /** From then to the agent's first words. */
  readonly limitMs: number;
  /** What the console said before this machine was there: its template's boot. */
  readonly earlierConsole?: Buffer;
  /** "boot" if absent. */
  readonly origin?: GuestOrigin;
  /** Has the agent speak; when absent, it speaks by itself. */
  readonly greet?: (channel: RpcChannel) => Promise<Hello>;
}

export class MachineGuest implements Guest {
  readonly hello: Hello;
  readonly over: Promise<GuestVerdict>;
  readonly wire: GuestWire;
  #readyMs: number;
  #origin: GuestOrigin;
  #handedOver = false;
  readonly #vm: VirtualMachine;
  readonly #channel: RpcChannel;
  readonly #watch: GuestWatch;

  private constructor(parts: {
    readonly vm: VirtualMachine;
    readonly channel: RpcChannel;
    readonly watch: GuestWatch;
    readonly hello: Hello;
    readonly readyMs: number;
    readonly origin: GuestOrigin;
    readonly wire: GuestWire;
  }) {
    this.#vm = parts.vm;
    this.#channel = parts.channel;
    this.#watch = parts.watch;
    this.hello = parts.hello;
    this.#readyMs = parts.readyMs;
    this.#origin = parts.origin;
    this.over = parts.watch.over;
    this.wire = parts.wire;
  }

  get readyMs(): number {
    return this.#readyMs;
  }

  get origin(): GuestOrigin {
    return this.#origin;
  }

  handOver(consoleFile: string, wantedAt: number): void {
    if (this.#handedOver) {
      this.#origin = "kept";
      this.#watch.startAnew();
    }
    this.#handedOver = true;
    if (this.#watch.consoleFile !== consoleFile) this.#vm.console.keepIn(consoleFile);
    this.#watch.consoleFile = consoleFile;
    this.#readyMs = Math.round(performance.now() - wantedAt);
  }

  report(): GuestReport {
    return this.#watch.report(this.#readyMs);
  }

  /** Its machine, for a debugger. */
  get machine(): VirtualMachine {
    return this.#vm;
  }

  get console(): readonly string[] {
    return this.#vm.console.lines;
  }

  get translations(): TranslatedBlocks | undefined {
    return this.#vm.translations;
  }

  get terminal(): Duplex {
    return this.#vm.terminal;
  }

  static async boot(
    machine: Machine,
    options: BootOptions,
    context: StartContext,
  ): Promise<StartResult<MachineGuest>> {
    const startedAt = performance.now();
    const { consoleFile, bootLimitMs: limitMs } = options;
    const vm = await VirtualMachine.start(machine, { signal: context.signal, consoleFile });
    return MachineGuest.meet(vm, { consoleFile, startedAt, limitMs }, context);
  }

  /** Waits for the agent's first words; ends the machine when they don't come. */
  static async meet(
    vm: VirtualMachine,
    introduction: Introduction,
    context: StartContext,
  ): Promise<StartResult<MachineGuest>> {
    const { consoleFile, startedAt, limitMs, earlierConsole, origin = "boot", greet } = introduction;
    const watch = new GuestWatch(vm, consoleFile);
    if (earlierConsole !== undefined) vm.console.receive(earlierConsole);
    const hello = Promise.withResolvers<Hello>();
    const wire: GuestWire = { send: (bytes) => channel.send(bytes), onStray: undefined };
    const channel = new RpcChannel(vm.agentPort, {
      onStray: (message) => wire.onStray?.(message),
      onEvent: (event, params) => {
        // The agent's messages are typed by its own crate; the version check below is what makes the casts true.
        if (event === "hello") hello.resolve(params as Hello);
        else if (event === "log") context.onLog((params as KernelLog).records);
        else if (event === "dying")
          watch.declare({ kind: "infrastructure-failed", reason: dyingReason(params) });
      },
    });
    const limit = setTimeout(() => watch.declareSilent(neverSpoke(limitMs)), limitMs);
    greet?.(channel).then(hello.resolve, (error: unknown) =>
      // When the machine has ended this is what follows from it, and the watch knows the cause.
      setTimeout(() => watch.declare(wontSpeak(error)), causeGraceMs).unref(),
    );
    try {
      const first = await Promise.race([hello.promise, watch.over, aborted(context.signal)]);
      if ("protocolVersion" in first && first.protocolVersion === PROTOCOL_VERSION) {
        const readyMs = Math.round(performance.now() - startedAt);
        return {
          started: true,
          guest: new MachineGuest({ vm, channel, watch, hello: first, readyMs, origin, wire }),
        };
      }
      const verdict = "kind" in first ? first : otherVersion(first);
      channel.close();
      await vm.end();
      return { started: false, report: { ...watch.report(undefined), verdict } };
    } catch (error) {
      await vm.end();
      throw error;
    } finally {
      clearTimeout(limit);
    }
  }

  async call<M extends MethodName>(
    method: M,
    params: Methods[M]["params"],
    limits: CallLimits,
  ): Promise<Methods[M]["result"]> {
    try {
      return (await this.#channel.call(method, params, limits)) as Methods[M]["result"];
    } catch (error) {
      if (error instanceof NoAnswerError) await this.isAnswering();
      // The cause is told before what follows from it.
      if (error instanceof ChannelClosedError) await Promise.race([this.over, sleep(causeGraceMs)]);
      throw error;
    }
  }

  async isAnswering(): Promise<boolean> {
    if (this.#watch.verdict !== undefined) return false;
    try {
      await this.#channel.call("ping", {}, { timeoutMs: pingLimitMs });
      return true;
    } catch (error) {
      if (error instanceof NoAnswerError) {
        this.#watch.declareSilent({
          kind: "guest-hung",
          reason: `the guest did not answer a ping within ${pingLimitMs} ms`,
        });
        await this.#watch.over;
      }
      return false;
    }
  }

  async openDoors(): Promise<Doors | undefined> {
    const graceMs = (await this.isAnswering()) ? 0 : causeGraceMs;
    const isRunning = await Promise.race([this.#vm.ended.then(() => false), sleep(graceMs, true)]);
    return isRunning ? openDoors(this.#vm) : undefined;
  }

  async finish(): Promise<GuestReport> {
    // A crash that has begun to be printed is printed to its end.
    if (this.#watch.verdict !== undefined) await this.#watch.over;
    await this.#end();
    return this.#watch.report(this.#readyMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  async #end(): Promise<void> {
    // QEMU does not record that the port is closed, which the guest is told.
    if (this.#vm.machine.recording !== undefined) await this.#vm.end();
    this.#channel.close();
    await this.#vm.end();
  }
}

function wontSpeak(error: unknown): GuestVerdict {
  return {
    kind: "infrastructure-failed",
    reason: `the guest's agent could not be addressed: ${messageOf(error)}`,
  };
}

function neverSpoke(limitMs: number): GuestVerdict {
  return {
    kind: "infrastructure-failed",
    reason: `the guest's agent did not report within ${limitMs} ms of the start`,
  };
}

function otherVersion(hello: Hello): GuestVerdict {
  return {
    kind: "infrastructure-failed",
    reason: `the agent speaks version ${hello.protocolVersion} of the protocol, this runner version ${PROTOCOL_VERSION}`,
  };
}

function dyingReason(params: unknown): string {
  const reason =
    typeof params === "object" && params !== null && "reason" in params
      ? String(params.reason)
      : "no reason given";
  return `the agent gave up: ${reason}`;
}

function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const fail = () =>
    reject(signal.reason instanceof Error ? signal.reason : new Error(messageOf(signal.reason)));
  if (signal.aborted) fail();
  else signal.addEventListener("abort", fail, { once: true });
  return promise;
}
