// SPDX-License-Identifier: MIT
// Holds the guests of a run and serves them to the test workers. At most `jobs` guests exist at a time, over all workers; a
// worker that goes away takes its guests with it.
import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import PQueue from "p-queue";
import type { Doors } from "../../../qemu/doors.ts";
import { timestamp } from "../../support/clock.ts";
import type { Guest, GuestProvider, GuestReport } from "../guests/guest.ts";
import type { CompileResult } from "../programs/compiler.ts";
import type { CompilableSource } from "../programs/source.ts";
import type { Activity, ActivityStep } from "../reporters/reporter.ts";
import { RpcChannel } from "../rpc/channel.ts";
import type { HostEvent, HostMethods, StartGuestParams, StartGuestResult, WorkerEvent } from "./protocol.ts";

export interface ProgramCompiler {
  /** For the kernel with these configs; for the run's if absent. */
  compile(source: CompilableSource, kernel?: string): Promise<CompileResult>;
}

export interface GuestHostOptions {
  readonly provider: GuestProvider;
  readonly compiler: ProgramCompiler;
  /** Guests at a time. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Files are absolute here. */
  readonly onActivity?: (activity: Activity) => void;
  /** A test failed and wants its guest looked at; resolves when it has been. */
  readonly onPause?: (test: Omit<PausedTest, "vmlinux">, kernel: string | undefined) => Promise<void>;
  /** A test is about to have this guest, which nobody else calls meanwhile. Never throws. */
  readonly onGuest?: (guest: Guest, kernel: string | undefined) => Promise<void>;
  /** It has had it. Never throws. */
  readonly onGuestGivenBack?: (guest: Guest, kernel: string | undefined) => Promise<void>;
  /** A worker did not give back its guest long after it should have: its thread is blocked. */
  readonly onStuck?: (test: { readonly specFile: string; readonly test: string }) => void;
}

type Handlers = {
  readonly [M in keyof HostMethods]: (params: HostMethods[M]["params"]) => Promise<HostMethods[M]["result"]>;
};

/** For the checks after a test, which have limits of their own. */
const stuckGraceMs = 30_000;
/** The trace of a crash is read to its end before it is told. */
const causeLimitMs = 2_000;

type Place = Pick<StartGuestParams, "specFile" | "test" | "consoleFile" | "kernel">;

interface HeldGuest {
  readonly guest: Guest;
  readonly place: Place;
  readonly release: () => void;
  /** From now on nobody finds it stuck. */
  readonly unlimited: () => void;
}

/** A test that failed and whose guest is still there. */
export interface PausedTest {
  /** "specs/a.spec.ts > name" */
  readonly place: string;
  readonly reason: string;
  /** Absent when its machine has ended. */
  readonly doors: Doors | undefined;
  readonly consoleFile: string;
  /** Of the kernel, with its symbols. */
  readonly vmlinux: string;
}

export class GuestHost implements AsyncDisposable {
  readonly socketName: string;
  readonly token: string;
  readonly #options: GuestHostOptions;
  readonly #queue: PQueue;
  readonly #server: Server;
  readonly #sessions = new Set<WorkerSession>();

  private constructor(options: GuestHostOptions) {
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.jobs });
    this.token = randomBytes(16).toString("hex");
    // Abstract sockets vanish with their process: nothing is left on disk, not even after SIGKILL.
    this.socketName = `\0rex-test-${process.pid}-${randomBytes(6).toString("hex")}`;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async listen(options: GuestHostOptions): Promise<GuestHost> {
    const host = new GuestHost(options);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    host.#server.once("error", reject).listen(host.socketName, resolve);
    await promise;
    host.#server.unref();
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.clear();
    this.#server.close();
    await Promise.all([...this.#sessions].map((session) => session.end()));
  }

  #accept(socket: Socket): void {
    const session = new WorkerSession(socket, this.token, this.#options, this.#queue);
    this.#sessions.add(session);
    void session.ended.then(() => this.#sessions.delete(session));
  }
}

/** One connected worker and the guests it holds. */
class WorkerSession {
  readonly ended: Promise<void>;
  readonly #channel: RpcChannel;
  readonly #token: string;
  readonly #options: GuestHostOptions;
  readonly #queue: PQueue;
  readonly #guests = new Map<number, HeldGuest>();
  readonly #gone = new AbortController();
  #joined = false;
  #nextGuest = 1;

  constructor(socket: Socket, token: string, options: GuestHostOptions, queue: PQueue) {
    this.#token = token;
    this.#options = options;
    this.#queue = queue;
    this.#channel = new RpcChannel(socket, {
      onRequest: (method, params) => this.#handle(method, params),
      onEvent: (event, params) => this.#hear({ event, params } as WorkerEvent),
    });
    this.ended = this.#channel.closed.then((reason) => {
      this.#gone.abort(reason);
      return this.#releaseAll();
    });
  }

  async end(): Promise<void> {
    this.#channel.close();
    await this.ended;
  }

  async #handle(method: string, params: unknown): Promise<unknown> {
    if (!this.#joined && method !== "join") throw new Error("join first");
    if (!Object.hasOwn(this.#handlers, method)) throw new Error(`there is no method ${method}`);
    // The only peers are our own workers, which proved it with the token and are typed by HostMethods.
    return this.#handlers[method as keyof HostMethods](params as never);
  }

  #hear({ event, params }: WorkerEvent): void {
    const held = this.#joined && event === "step" ? this.#guests.get(params.guest) : undefined;
    if (held) this.#tell(held.place, { kind: "step", path: params.path, state: params.state });
  }

  #tell({ specFile, test }: Place, step: ActivityStep): void {
    this.#options.onActivity?.({ ...step, file: specFile, test, at: timestamp() });
  }

  readonly #handlers: Handlers = {
    join: async ({ token }) => {
      if (!sameToken(token, this.#token)) {
        this.#channel.close();
        throw new Error("wrong token");
      }
      this.#joined = true;
      return {};
    },
    compile: ({ source, kernel }) => this.#options.compiler.compile(source, kernel),
    startGuest: (params) => this.#startGuest(params),
    callGuest: ({ guest, method, params, timeoutMs }) =>
      this.#held(guest).guest.call(method, params as never, { timeoutMs, signal: this.#gone.signal }),
    checkGuest: async ({ guest }) => ({ answering: await this.#held(guest).guest.isAnswering() }),
    pauseGuest: ({ guest, reason }) => this.#pauseGuest(guest, reason),
    finishGuest: ({ guest, keep }) => this.#finishGuest(guest, keep),
  };

  async #startGuest(params: StartGuestParams): Promise<StartGuestResult> {
    const { promise, resolve, reject } = Promise.withResolvers<StartGuestResult>();
    const queuedAt = performance.now();
    this.#tell(params, { kind: "queued" });
    void this.#queue
      .add(async () => {
        const queuedMs = Math.round(performance.now() - queuedAt);
        await this.#occupySlot(params, queuedMs, resolve);
      })
      .catch(reject);
    return promise;
  }

  /** Starts a guest, tells the worker, and returns when that guest is gone: so long the queue counts it. */
  async #occupySlot(
    params: StartGuestParams,
    queuedMs: number,
    onStarted: (result: StartGuestResult) => void,
  ): Promise<void> {
    const signal = AbortSignal.any([this.#gone.signal, this.#options.signal]);
    signal.throwIfAborted();
    this.#tell(params, { kind: "booting" });
    const id = this.#nextGuest++;
    const result = await this.#options.provider.start(params, {
      signal,
      onLog: (records) => this.#send({ event: "guestLog", params: { guest: id, records } }),
    });
    if (!result.started) {
      this.#tell(params, { kind: "finished" });
      onStarted(result);
      return;
    }
    const { guest } = result;
    await this.#options.onGuest?.(guest, params.kernel);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const unlimited = () => clearTimeout(stuck);
    this.#guests.set(id, { guest, place: params, release, unlimited });
    void guest.over.then((verdict) => this.#send({ event: "guestOver", params: { guest: id, verdict } }));
    const { hello, readyMs, origin } = guest;
    this.#tell(params, { kind: "running", readyMs, origin });
    onStarted({ started: true, guest: id, hello, readyMs, queuedMs, origin });
    const stuck = setTimeout(() => this.#options.onStuck?.(params), params.limitMs + stuckGraceMs);
    // The worker may have gone while the guest booted; then nobody will finish it.
    if (this.#gone.signal.aborted) await this.#releaseAll();
    await released.finally(unlimited);
  }

  async #pauseGuest(id: number, reason: string): Promise<Record<string, never>> {
    const { guest, place, unlimited } = this.#held(id);
    unlimited();
    await using doors = await guest.openDoors();
    // What the guest came to is the cause; that the test lost its connection only follows from it.
    const over = await Promise.race([guest.over, sleep(doors === undefined ? causeLimitMs : 0, undefined)]);
    const paused = {
      place: `${place.specFile} > ${place.test}`,
      reason: over?.reason ?? reason,
      doors,
      consoleFile: place.consoleFile,
    };
    await this.#options.onPause?.(paused, place.kernel);
    return {};
  }

  async #finishGuest(id: number, keep: boolean): Promise<GuestReport> {
    const held = this.#held(id);
    this.#guests.delete(id);
    try {
      const { provider, onGuestGivenBack } = this.#options;
      await onGuestGivenBack?.(held.guest, held.place.kernel);
      return await ((keep && provider.giveBack?.(held.guest)) || held.guest.finish());
    } finally {
      held.release();
      this.#tell(held.place, { kind: "finished" });
    }
  }

  async #releaseAll(): Promise<void> {
    const held = [...this.#guests.values()];
    this.#guests.clear();
    await Promise.all(
      held.map(async ({ guest, release }) => {
        await guest[Symbol.asyncDispose]();
        release();
      }),
    );
  }

  #held(id: number): HeldGuest {
    const held = this.#guests.get(id);
    if (held === undefined) throw new Error(`there is no guest ${id}`);
    return held;
  }

  #send(event: HostEvent): void {
    this.#channel.emit(event.event, event.params);
  }
}

function sameToken(given: unknown, expected: string): boolean {
  if (typeof given !== "string") return false;
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
