// SPDX-License-Identifier: MIT
// A guest that objects are run in, one after the other, for as long as nothing is wrong with it.
import { setTimeout as sleep } from "node:timers/promises";
import type { Translations } from "../../qemu/machine.ts";
import type { InventoryResult, LogRecord } from "../../runner/protocol/generated.ts";
import { messageOf } from "../../runner/support/errors.ts";
import type { Prepared } from "../../runner/test/engine/prepare.ts";
import type { Guest, GuestProvider, GuestWire } from "../../runner/test/guests/guest.ts";
import { classifyLog } from "../../runner/test/outcome/splat.ts";
import { GuestRefusalError, NoAnswerError } from "../../runner/test/rpc/call-errors.ts";
import { GuestApi } from "../../runner/test/worker/guest-api.ts";
import { GuestCalls } from "../../runner/test/worker/guest-calls.ts";
import { type Holdings, takeHoldings } from "../../runner/test/worker/holdings.ts";
import { inventoryLeaks, leaks } from "../../runner/test/worker/leaks.ts";
import { Canary } from "./canary.ts";
import { CrateWatch, type SeenLines } from "./crate-watch.ts";
import { ExitLog, execute, type Site } from "./execute.ts";
import { canRun } from "./expected.ts";
import { topFrames } from "./frames.ts";
import { judge, type Limits } from "./judge.ts";
import type { Batch } from "./object.ts";
import { type Complaint, hungTitle, notEndedTitle } from "./trial.ts";

/** Short, because programs that are to be ended are waited for. */
const limits = { timeoutMs: 100, tickMs: 10 } as const;
/** What a busy host takes from a guest, see specs/termination/limits.ts. */
const slackMs = 2_000;
/** A guest that is in a hurry is given up when it does not answer for so long. */
const silenceLimitMs = 4_000;
const listenEveryMs = 250;
/** For requests that take milliseconds on a host with nothing else to do, a tenth of which may be ours; and where much is tried. */
const patienceMs = { usual: 30_000, hurrying: 4_000 } as const;
/** Freeing a program waits for RCU. */
const freeingLimitMs = 3_000;
const freeingPollMs = 10;

export interface GuestSource {
  readonly prepared: Prepared;
  readonly provider: GuestProvider;
  readonly signal: AbortSignal;
  /** The object of the canary, see canary.ts. */
  readonly canary: string;
  nextConsoleFile(): string;
}

export interface FuzzGuestOptions {
  readonly cpus: number;
  /** It is given up sooner than its provider would: for many tries of which one is to be confirmed. */
  readonly hurries?: boolean;
  /** Has it watched what runs of the crate. */
  readonly translations?: Translations | undefined;
  /** When the agent ends it is to blame itself, and not the machine. */
  readonly blamesAgent?: boolean;
}

export class FuzzGuest implements AsyncDisposable {
  readonly consoleFile: string;
  readonly calls: GuestCalls;
  readonly api: GuestApi;
  readonly cpus: number;
  readonly #hurries: boolean;
  readonly #blamesAgent: boolean;
  readonly #guest: Guest;
  readonly #log: LogRecord[];
  readonly #limits: Limits;
  readonly #site: Site;
  readonly #before: Holdings;
  readonly #canary: Canary;
  readonly #crate: CrateWatch | undefined;
  #onFailure: (error: unknown) => void = () => undefined;
  readonly #withCanary: InventoryResult;

  private constructor(parts: {
    guest: Guest;
    log: LogRecord[];
    calls: GuestCalls;
    api: GuestApi;
    consoleFile: string;
    before: Holdings;
    canary: Canary;
    withCanary: InventoryResult;
    options: FuzzGuestOptions;
  }) {
    this.cpus = parts.options.cpus;
    this.#hurries = parts.options.hurries ?? false;
    this.#blamesAgent = parts.options.blamesAgent ?? false;
    this.#guest = parts.guest;
    this.#log = parts.log;
    this.calls = parts.calls;
    this.api = parts.api;
    this.consoleFile = parts.consoleFile;
    this.#before = parts.before;
    this.#canary = parts.canary;
    this.#withCanary = parts.withCanary;
    this.#limits = { ...limits, slackMs: slackMs * parts.calls.slowness };
    const { calls, api } = this;
    const blocks = parts.guest.translations;
    this.#crate = blocks && new CrateWatch(blocks, (names) => api.kallsyms(names));
    this.#site = {
      calls,
      api,
      exits: new ExitLog(calls),
      limits: this.#limits,
      cpus: this.cpus,
      canary: this.#canary,
      crate: this.#crate,
      patienceMs: patienceMs[this.#hurries ? "hurrying" : "usual"],
      onFailure: (error) => this.#onFailure(error),
    };
  }

  static async start(source: GuestSource, options: FuzzGuestOptions = { cpus: 1 }): Promise<FuzzGuest> {
    const { prepared, provider, signal } = source;
    const log: LogRecord[] = [];
    const consoleFile = source.nextConsoleFile();
    const request = {
      cpus: options.cpus,
      memoryMiB: 128,
      kernelParameters: [],
      hostTools: false,
      translations: options.translations,
      consoleFile,
    };
    const started = await provider.start(request, { signal, onLog: (records) => void log.push(...records) });
    if (!started.started) throw new GuestNotStarted(started.report.verdict.reason, consoleFile);
    const { guest } = started;
    try {
      const { slowness } = prepared.kernel.config;
      const called = { hello: guest.hello, log, call: guest.call.bind(guest) };
      const calls = new GuestCalls(called, signal, slowness.time, prepared.kernel.config);
      const api = new GuestApi(calls, { hostTools: false });
      // The tick first: it must not be longer than the limit.
      await api.writeFile("/proc/sys/kernel/rex_tick_ms", `${limits.tickMs}\n`);
      await api.writeFile("/proc/sys/kernel/rex_timeout_ms", `${limits.timeoutMs}\n`);
      await api.measureStacks();
      const before = await takeHoldings(calls);
      const canary = await Canary.release(calls, api, source.canary);
      const withCanary = await calls.call("inventory", { slabs: [] });
      return new FuzzGuest({ guest, log, calls, api, consoleFile, before, canary, withCanary, options });
    } catch (error) {
      await guest[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Runs trials of an object, as far as they can be run here. A guest about which there is a complaint is not to be used again.
   */
  async run(batch: Batch, chosen: readonly number[]): Promise<Complaint[]> {
    const possible = chosen.filter((index) => {
      const trial = batch.trials[index];
      return trial !== undefined && canRun(trial, batch.company?.schedule, this.cpus);
    });
    return this.observe(async () => {
      const seen = await execute(this.#site, batch, possible);
      return judge(batch, seen, this.#limits);
    });
  }

  /** What has run of the crate since the last time, where that is watched. */
  takeCrateLines(): SeenLines | undefined {
    return this.#crate?.take();
  }

  /** The conversation below requests and answers. */
  get wire(): GuestWire {
    const { wire } = this.#guest;
    if (wire === undefined) throw new Error("this guest lets nobody talk to its agent directly");
    return wire;
  }

  /** Does something, then looks whether the kernel is as it was before. */
  async observe(action: () => Promise<Complaint[]>): Promise<Complaint[]> {
    return this.#watch(async () => [...(await action()), ...(await this.#health())]);
  }

  /** Does something; its complaints, or that of the guest when it does not survive it. */
  async #watch(action: () => Promise<Complaint[]>): Promise<Complaint[]> {
    try {
      const lost = this.#guest.over.then(async (): Promise<never> => {
        throw new Error("the guest is lost");
      });
      lost.catch(() => undefined);
      const failed = Promise.withResolvers<never>();
      failed.promise.catch(() => undefined);
      this.#onFailure = failed.reject;
      const acting = action();
      return await Promise.race([
        acting,
        lost,
        failed.promise,
        ...(this.#hurries ? [this.#silence(acting)] : []),
      ]);
    } catch (error) {
      return [await this.#afterFailure(error)];
    }
  }

  /** The complaint about a guest that does not answer while it acts. */
  async #silence(acting: Promise<Complaint[]>): Promise<Complaint[]> {
    const done = acting.then(
      () => "done" as const,
      () => "done" as const,
    );
    for (;;) {
      // Were the limit of this call ours, its channel would take its own time to see whether the guest has hung.
      const ping = this.#guest.call("ping", {}, { timeoutMs: 20 * silenceLimitMs });
      const heard = ping.then(
        () => "heard" as const,
        () => "done" as const,
      );
      const first = await Promise.race([
        done,
        heard,
        sleep(silenceLimitMs * this.calls.slowness, "silent" as const),
      ]);
      if (first === "silent") return [health(hungTitle, `no answer for ${silenceLimitMs} ms`)];
      if (first === "done" || (await Promise.race([done, sleep(listenEveryMs, "on" as const)])) === "done")
        return acting;
    }
  }

  /** At the end of its use: what all that it has done has left behind. */
  async finish(): Promise<Complaint[]> {
    return this.#watch(async () => {
      await this.#canary.withdraw();
      const found = await this.#settled(async () => leaks(this.#before, await takeHoldings(this.calls)));
      return found.map(leakComplaint);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#guest[Symbol.asyncDispose]();
  }

  async #health(): Promise<Complaint[]> {
    const complaints: Complaint[] = [];
    if (!(await this.#canary.isWell()))
      complaints.push({ oracle: "canary", title: "the canary does not run as it did", detail: "" });
    const found = await this.#settled(async () =>
      inventoryLeaks(this.#withCanary, await this.calls.call("inventory", { slabs: [] })),
    );
    complaints.push(...found.map(leakComplaint));
    await this.calls.call("logSync", {});
    // User space writes to the kernel log too (facility 1): that is not the kernel complaining.
    const ofKernel = this.#log
      .filter(({ facility }) => facility === 0)
      .flatMap(({ text }) => text.split("\n"));
    const splats = classifyLog(ofKernel);
    return [...complaints, ...splats.map(({ title, lines }) => health(title, lines.join("\n"), lines))];
  }

  async #settled<T>(look: () => Promise<readonly T[]>): Promise<readonly T[]> {
    const giveUpAt = performance.now() + freeingLimitMs * this.calls.slowness;
    for (;;) {
      const found = await look();
      if (found.length === 0 || performance.now() > giveUpAt) return found;
      await new Promise((resolve) => setTimeout(resolve, freeingPollMs));
    }
  }

  async #afterFailure(thrown: unknown): Promise<Complaint> {
    const error = firstCause(thrown);
    const refused = error instanceof GuestRefusalError ? error.body : undefined;
    if (await this.#guest.isAnswering()) {
      if (refused?.kind === "timeout" || isOfPrograms(error))
        return { oracle: "termination", title: notEndedTitle, detail: messageOf(error) };
      if (refused !== undefined)
        return health(`refused: ${withoutNumbers(refused.message)}`, messageOf(error));
      throw error;
    }
    const report = await this.#guest.finish();
    const { verdict } = report;
    if (verdict?.kind === "infrastructure-failed" && this.#blamesAgent && !verdict.reason.startsWith("QEMU"))
      return {
        oracle: "agent",
        title: withoutNumbers(verdict.reason),
        detail: report.consoleTail.join("\n"),
      };
    if (verdict === undefined || verdict.kind === "infrastructure-failed") throw error;
    const splat = verdict.kind === "kernel-crashed" ? verdict.splat : undefined;
    const title = splat?.title ?? `${verdict.kind.replace("-", " ")}: ${withoutNumbers(verdict.reason)}`;
    return health(title, [verdict.reason, ...report.consoleTail].join("\n"), splat?.lines);
  }
}

/** Nothing is known about the kernel under test, unless it is its boot that fails. */
export class GuestNotStarted extends Error {
  override readonly name = "GuestNotStarted";
  readonly consoleFile: string;

  constructor(reason: string, consoleFile: string) {
    super(reason);
    this.consoleFile = consoleFile;
  }
}

/** What is let go of after a failure fails as well. */
function firstCause(error: unknown): unknown {
  return error instanceof SuppressedError ? firstCause(error.suppressed) : error;
}

/** The agent answers and the request that runs programs has no end: where a CPU stands still, the agent's own limit may not come. */
function isOfPrograms(error: unknown): boolean {
  return error instanceof NoAnswerError && ["trigger", "testRun"].includes(error.method);
}

function health(title: string, detail: string, lines: readonly string[] = []): Complaint {
  const frames = topFrames(lines);
  return { oracle: "kernel health", title, detail, ...(frames.length > 0 ? { frames } : {}) };
}

function leakComplaint({ message }: { readonly message: string }): Complaint {
  return { oracle: "resource neutrality", title: withoutNumbers(message), detail: message };
}

function withoutNumbers(text: string): string {
  return text.replace(/\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b/g, "N");
}
