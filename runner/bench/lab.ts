// SPDX-License-Identifier: MIT
// Where benchmarks get their guests. A guest lives as long as the function that measures in it, and one that dies, hangs or complains takes
// the measurement with it: numbers from a broken kernel are no numbers.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { countedTscKhz } from "../../qemu/machine.ts";
import type { LogRecord } from "../protocol/generated.ts";
import { RexTestError } from "../support/errors.ts";
import type { Prepared } from "../test/engine/prepare.ts";
import { BootProvider } from "../test/guests/boot-provider.ts";
import type { Guest, GuestProvider, GuestReport, GuestVerdict } from "../test/guests/guest.ts";
import type { GuestBase } from "../test/guests/guest-machine.ts";
import { describeSplat } from "../test/worker/sanitizers.ts";
import { BenchGuest } from "./guest.ts";

export interface LabOptions {
  readonly prepared: Prepared;
  /** For consoles of guests. */
  readonly folder: string;
  /** Instead of each benchmark's own number of samples. */
  readonly samples: number | undefined;
  readonly signal: AbortSignal;
  readonly onStep: (what: string) => void;
}

export interface GuestWish {
  /** The guest's clock counts its instructions. */
  readonly counted?: boolean;
  readonly cpus?: number;
  readonly hostTools?: boolean;
  /** Where it comes from; booted if not given. */
  readonly provider?: GuestProvider;
}

/** A guest was lost, and with it what was measured. */
export class GuestLostError extends Error {
  override readonly name = "GuestLostError";
  readonly verdict: GuestVerdict;
  readonly report: GuestReport;

  constructor(verdict: GuestVerdict, report: GuestReport) {
    super(verdict.reason);
    this.verdict = verdict;
    this.report = report;
  }
}

/** A guest that counts instructions executes about a tenth of what others do in the same time. */
const countingSlowness = 8;

export class Lab {
  readonly #options: LabOptions;
  readonly #notes: string[] = [];
  #guests = 0;

  constructor(options: LabOptions) {
    this.#options = options;
  }

  get notes(): readonly string[] {
    return this.#notes;
  }

  get prepared(): Prepared {
    return this.#options.prepared;
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  /** How many samples to take where a benchmark would take `usual`. */
  samples(usual: number): number {
    return this.#options.samples ?? usual;
  }

  /** Says what is being measured now. */
  step(what: string): void {
    this.#options.onStep(what);
  }

  /** Tells the reader something beside the numbers. */
  note(text: string): void {
    this.#notes.push(text);
  }

  async withGuest<T>(wish: GuestWish, measure: (guest: BenchGuest) => Promise<T>): Promise<T> {
    const { counted = false, cpus = 1, hostTools = false } = wish;
    const { prepared, folder, signal } = this.#options;
    const log: LogRecord[] = [];
    this.#guests += 1;
    const consoleFile = join(folder, `console-${this.#guests}.log`);
    const base = counted ? countingBase(prepared.guests) : prepared.guests;
    const started = await (wish.provider ?? new BootProvider(base)).start(
      {
        cpus,
        memoryMiB: hostTools ? 256 : 128,
        kernelParameters: [],
        hostTools,
        consoleFile,
      },
      { signal, onLog: (records) => void log.push(...records) },
    );
    if (!started.started) throw new GuestLostError(started.report.verdict, started.report);
    const over = new AbortController();
    const bench = new BenchGuest(started.guest, log, prepared.compiler, {
      hostTools,
      slowness: prepared.kernel.config.slowness.time * (counted ? countingSlowness : 1),
      signal: AbortSignal.any([signal, over.signal]),
    });
    try {
      const result = await orLost(started.guest, measure(bench));
      const report = await started.guest.finish();
      rejectComplaints(report);
      await rm(consoleFile, { force: true });
      return result;
    } finally {
      over.abort(new Error("the measurement is over"));
      await started.guest[Symbol.asyncDispose]();
    }
  }
}

function countingBase(base: GuestBase): GuestBase {
  return {
    ...base,
    accelerator: "tcg",
    machineType: "microvm",
    tscKhz: countedTscKhz,
    countsInstructions: true,
    bootLimitMs: base.bootLimitMs * countingSlowness,
  };
}

/** What the measurement gives, or the guest's end: an unanswered call says less than what the guest died of. */
async function orLost<T>(guest: Guest, measuring: Promise<T>): Promise<T> {
  const lost = guest.over.then(async (verdict): Promise<never> => {
    throw new GuestLostError(verdict, await guest.finish());
  });
  lost.catch(() => undefined);
  return await Promise.race([measuring, lost]);
}

function rejectComplaints(report: GuestReport): void {
  const complaint = report.splats.find(({ severity }) => severity === "warning");
  if (complaint === undefined) return;
  throw new RexTestError("the kernel complained while it was measured", {
    outcome: "failure",
    where: report.consoleFile,
    detail: describeSplat(complaint),
  });
}
