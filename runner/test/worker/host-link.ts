// SPDX-License-Identifier: MIT
// The worker's one connection to the process that holds the guests.
import { connect } from "node:net";
import { inject } from "vitest";
import type { Hello, LogRecord, MethodName, Methods } from "../../protocol/generated.ts";
import type { GuestOrigin, GuestReport, GuestVerdict } from "../guests/guest.ts";
import type {
  HostEvent,
  HostMethod,
  HostMethods,
  StartGuestParams,
  StartGuestResult,
  WorkerEvent,
  WorkerSettings,
} from "../host/protocol.ts";
import { RpcChannel } from "../rpc/channel.ts";
import type { StepState } from "./steps.ts";

/** A start waits for its turn behind all other tests; everything else is quick for the host itself. */
const startLimitMs = 60 * 60_000;
/** A day: setTimeout knows no more than 24 of them. */
const pauseLimitMs = 24 * 60 * 60_000;
const hostLimitMs = 60_000;
const compileLimitMs = 11 * 60_000;
/** What the host may take on top of the agent's own time. */
const hostGraceMs = 10_000;
/** Kernel log records kept for `t.guest.log()`; the console file has all that was printed. */
const mostLogRecords = 20_000;

export class RemoteGuest {
  readonly hello: Hello;
  readonly readyMs: number;
  readonly queuedMs: number;
  readonly origin: GuestOrigin;
  readonly over: Promise<GuestVerdict>;
  readonly log: LogRecord[] = [];
  #isOver = false;
  readonly #id: number;
  readonly #link: HostLink;
  readonly #reportOver: (verdict: GuestVerdict) => void;

  constructor(link: HostLink, started: Extract<StartGuestResult, { started: true }>) {
    const { promise, resolve } = Promise.withResolvers<GuestVerdict>();
    this.over = promise;
    this.#reportOver = resolve;
    this.#link = link;
    this.#id = started.guest;
    this.hello = started.hello;
    this.readyMs = started.readyMs;
    this.queuedMs = started.queuedMs;
    this.origin = started.origin;
  }

  async call<M extends MethodName>(
    method: M,
    params: Methods[M]["params"],
    limits: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<Methods[M]["result"]> {
    const { timeoutMs, signal } = limits;
    const call = { guest: this.#id, method, params, timeoutMs };
    const result = await this.#link.call("callGuest", call, { timeoutMs: timeoutMs + hostGraceMs, signal });
    return result as Methods[M]["result"];
  }

  async isAnswering(): Promise<boolean> {
    return (await this.#link.call("checkGuest", { guest: this.#id }, { timeoutMs: hostLimitMs })).answering;
  }

  /** For the display: nobody waits for an answer. */
  tellStep(path: readonly string[], state: StepState): void {
    this.#link.tell({ event: "step", params: { guest: this.#id, path, state } });
  }

  /** Until somebody has looked at it. */
  async pause(reason: string): Promise<void> {
    await this.#link.call("pauseGuest", { guest: this.#id, reason }, { timeoutMs: pauseLimitMs });
  }

  /** `keep`: it is as it was, and may serve another test. */
  finish(keep = false): Promise<GuestReport> {
    return this.#link.finish(this.#id, keep);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  receive(event: HostEvent): void {
    if (event.event === "guestOver") {
      this.#isOver = true;
      this.#reportOver(event.params.verdict);
    } else if (this.log.length < mostLogRecords) this.log.push(...event.params.records);
  }
}

export type StartedGuest =
  | { readonly started: true; readonly guest: RemoteGuest }
  | { readonly started: false; readonly report: GuestReport & { readonly verdict: GuestVerdict } };

export class HostLink {
  readonly #channel: RpcChannel;
  readonly #guests = new Map<number, RemoteGuest>();
  /** Events of a guest can overtake the answer that announces it. */
  readonly #early = new Map<number, HostEvent[]>();

  private constructor(channel: (onEvent: (event: string, params: unknown) => void) => RpcChannel) {
    this.#channel = channel((event, params) => this.#dispatch({ event, params } as HostEvent));
  }

  static async open(settings: WorkerSettings): Promise<HostLink> {
    const socket = connect(settings.socketName);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("connect", resolve).once("error", reject);
    await promise;
    // A worker that has nothing else to do may end; the host notices.
    socket.unref();
    const link = new HostLink((onEvent) => new RpcChannel(socket, { onEvent }));
    await link.call("join", { token: settings.token }, { timeoutMs: hostLimitMs });
    return link;
  }

  async call<M extends HostMethod>(
    method: M,
    params: HostMethods[M]["params"],
    limits: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<HostMethods[M]["result"]> {
    return (await this.#channel.call(method, params, limits)) as HostMethods[M]["result"];
  }

  tell({ event, params }: WorkerEvent): void {
    this.#channel.emit(event, params);
  }

  compile(params: HostMethods["compile"]["params"]): Promise<HostMethods["compile"]["result"]> {
    return this.call("compile", params, { timeoutMs: compileLimitMs });
  }

  async start(params: StartGuestParams, signal: AbortSignal): Promise<StartedGuest> {
    const result = await this.call("startGuest", params, { timeoutMs: startLimitMs, signal });
    if (!result.started) return result;
    const guest = new RemoteGuest(this, result);
    this.#guests.set(result.guest, guest);
    for (const event of this.#early.get(result.guest) ?? []) guest.receive(event);
    this.#early.delete(result.guest);
    return { started: true, guest };
  }

  async finish(guest: number, keep: boolean): Promise<GuestReport> {
    const report = await this.call("finishGuest", { guest, keep }, { timeoutMs: hostLimitMs });
    this.#guests.delete(guest);
    return report;
  }

  #dispatch(event: HostEvent): void {
    const guest = this.#guests.get(event.params.guest);
    if (guest) guest.receive(event);
    else this.#early.set(event.params.guest, [...(this.#early.get(event.params.guest) ?? []), event]);
  }
}

let opened: Promise<HostLink> | undefined;

export function workerSettings(): WorkerSettings {
  return inject("rexTest");
}

/** The connection, opened by the first test that needs it. */
export function hostLink(): Promise<HostLink> {
  opened ??= HostLink.open(workerSettings());
  return opened;
}
