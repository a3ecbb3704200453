// SPDX-License-Identifier: MIT
// Runs the trials of an object in a guest, one after the other, and collects what there is to see.
import type { ExitRecord, TriggerCall } from "../../runner/protocol/generated.ts";
import { type Codec, u32, u64 } from "../../runner/test/worker/codecs.ts";
import type { GuestApi } from "../../runner/test/worker/guest-api.ts";
import type { GuestCalls } from "../../runner/test/worker/guest-calls.ts";
import { type Link, Program } from "../../runner/test/worker/program.ts";
import { mapNames, needsAnotherCpu, type RunPrediction } from "../interpret/prediction.ts";
import { canNest } from "../model/facts.ts";
import { type EntryName, entries, entryOf, insideName } from "../model/files.ts";
import { recordHeadBytes, runsPerProgram } from "../model/helpers.ts";
import { testRunInput, verdictWithoutEnd } from "../model/test-runs.ts";
import type { Canary } from "./canary.ts";
import { inCompany } from "./company.ts";
import type { CrateWatch } from "./crate-watch.ts";
import { expectedOf } from "./expected.ts";
import type { Limits, Seen, SeenRun } from "./judge.ts";
import { type Batch, objectName } from "./object.ts";
import type { Complaint } from "./trial.ts";

/** Threads of one request; as many exit records are kept, and the records of so many runs have room in the ring buffer. */
const callsAtMost = 64;
/** For the answer, when that time is over. */
const graceMs = 4_000;
/** First argument of the calls: no process has this number. */
const nobody = "99999999";

/** A run by a call, and one on a packet. Exit records come later. */
interface Run {
  readonly errno: string | undefined;
  exits: readonly ExitRecord[];
}

interface PacketRun {
  readonly retval: number;
  readonly packet: Uint8Array;
  exits: readonly ExitRecord[];
}

/** One run of one trial, or of its twin. */
export interface PlannedRun {
  /** The program's number in the object. */
  readonly trial: number;
  readonly entry: EntryName;
  readonly slot: number;
  readonly input: bigint;
  readonly endsByTime: boolean;
  /** Only another CPU can end it. */
  readonly needsAnotherCpu?: boolean;
  /** It may run inside of another one. */
  readonly canNest?: boolean;
}

/** Where trials are run. */
export interface Site {
  readonly calls: GuestCalls;
  readonly api: GuestApi;
  readonly exits: ExitLog;
  readonly limits: Limits;
  readonly cpus: number;
  readonly canary: Canary;
  /** Absent: nobody wants to know what runs of the crate. */
  readonly crate?: CrateWatch | undefined;
  /** For a request, beside the time that programs take which are to be ended. */
  readonly patienceMs: number;
  /** Told at once: what is let go of afterwards may wait for a CPU that stands still. */
  readonly onFailure: (error: unknown) => void;
}

/** The exit records of a guest. To read one costs it some milliseconds, so that none is read twice. */
export class ExitLog {
  readonly #calls: GuestCalls;
  #lastSeq = 0;

  constructor(calls: GuestCalls) {
    this.#calls = calls;
  }

  /** Those that have been added since the last time. */
  async read(): Promise<readonly ExitRecord[]> {
    const { records } = await this.#calls.call("exits", { sinceSeq: this.#lastSeq });
    this.#lastSeq = records.at(-1)?.seq ?? this.#lastSeq;
    return records;
  }
}

/** Runs the trials with these indices. The object is unloaded in any case. */
export async function execute(site: Site, batch: Batch, chosen: readonly number[]): Promise<Seen> {
  const { calls, api } = site;
  const loaded = await calls.call("load", { name: objectName, object: batch.base64 });
  await using program = new Program(calls, api, objectName, loaded);
  await site.crate?.begin(batch.image);
  const links = new Map<string, Link>();
  for (const { name } of program.programs)
    if (entries[name as EntryName] !== undefined) links.set(name, await program.attach({ name }));
  const planned = plan(batch, chosen);
  const execution = new Execution(site, program, planned);
  const byCall = planned.filter(({ entry }) => entries[entry] !== undefined);
  const byPacket = planned.filter(({ entry }) => entries[entry] === undefined);
  if (batch.company !== undefined)
    await inCompany(site, batch.company, { program, links, execution, byCall, byPacket });
  else {
    for (let at = 0; at < byCall.length; at += callsAtMost)
      await execution.trigger(byCall.slice(at, at + callsAtMost));
    for (const [at, run] of byPacket.entries()) {
      await execution.receive(run);
      if ((at + 1) % callsAtMost === 0) await execution.settle();
    }
  }
  const seen = await execution.seen();
  await site.crate?.end();
  return seen;
}

export function howItEnds(run: RunPrediction): Pick<PlannedRun, "endsByTime" | "needsAnotherCpu"> {
  return { endsByTime: run.kind === "timeout", needsAnotherCpu: needsAnotherCpu(run) };
}

function plan(batch: Batch, chosen: readonly number[]): PlannedRun[] {
  return chosen.flatMap((index) => {
    const found = batch.trials[index];
    const expected = found && expectedOf(found, batch.company?.schedule);
    if (found === undefined || expected === undefined) return [];
    const { program, inputs } = found;
    const twin = batch.twins.get(index);
    const own = [{ index, program }, ...(twin === undefined ? [] : [twin])];
    return own.flatMap(({ index: trial, program: printed }) => {
      const entry = entryOf(printed);
      return expected.runs.map((run, at) => {
        const [slot, input] = [trial * runsPerProgram + at, inputs[at] ?? 0n];
        return { trial, entry, slot, input, ...howItEnds(run), canNest: canNest(printed) };
      });
    });
  });
}

export class Execution {
  readonly #site: Site;
  readonly #program: Program;
  readonly #runs: Map<number, SeenRun[]>;
  readonly #records = new Map<number, Uint8Array[]>();
  #discarded = 0;
  #isBusy = false;
  readonly #others: Complaint[] = [];
  /** Runs whose exit records have not been read yet: by calls, and those on packets that have not come to their end. */
  readonly #begun: { readonly run: Run; readonly tid: number | undefined }[] = [];
  readonly #ended: PacketRun[] = [];
  /** One that ran inside of the last. */
  #inside: { exits: readonly ExitRecord[] } | undefined;

  constructor(site: Site, program: Program, planned: readonly PlannedRun[]) {
    this.#site = site;
    this.#program = program;
    this.#runs = new Map(planned.map(({ trial }) => [trial, []]));
  }

  /** Makes the system calls, each by a thread of its own, one after the other, and looks what came of them. */
  async trigger(planned: readonly PlannedRun[]): Promise<void> {
    await this.begin(planned, { barrier: false });
    await this.settle();
  }

  /** Makes the system calls. On CPUs, those in the same order; beside them other calls, which start at the same time. */
  async begin(
    planned: readonly PlannedRun[],
    how: { readonly barrier: boolean; readonly pinned?: boolean; readonly beside?: readonly TriggerCall[] },
  ): Promise<void> {
    const { calls } = this.#site;
    const limitMs = this.#limitMs(planned);
    const own = planned.map(({ entry, trial, slot, input }, at) => ({
      syscall: entries[entry]?.syscall ?? "",
      args: [nobody, trial, slot, input].map(String),
      ...(how.pinned ? { cpu: at } : {}),
    }));
    const { barrier, beside = [] } = how;
    const params = { calls: [...own, ...beside], barrier, timeoutMs: Math.ceil(limitMs * calls.slowness) };
    const outcomes = await this.#try(calls.call("trigger", params, limitMs + graceMs));
    planned.forEach(({ trial }, at) => {
      const { errnoName: errno, tid } = outcomes.calls[at] ?? {};
      const run: Run = { errno, exits: [] };
      this.#begun.push({ run, tid });
      this.#runs.get(trial)?.push(run);
    });
  }

  /** It has run inside of the last one. To be settled at once. */
  ranInside({ trial }: PlannedRun): void {
    // There was no call of its own.
    const run: Run = { errno: "ESRCH", exits: [] };
    this.#inside = run;
    this.#runs.get(trial)?.push(run);
  }

  /** A test run on the packet that the input stands for. To be settled before there are more exit records than are kept. */
  async receive(planned: PlannedRun): Promise<void> {
    const { entry, trial, slot, input } = planned;
    const { data, context, headBytes } = testRunInput(entry, trial, slot, input);
    const params = {
      program: this.#program.handle(entry),
      dataIn: data.toString("base64"),
      ctxIn: context.toString("base64"),
    };
    const limitMs = this.#limitMs([planned]);
    const { retval, dataOut } = await this.#try(this.#site.calls.call("testRun", params, limitMs + graceMs));
    const packet = Buffer.from(dataOut, "base64").subarray(headBytes);
    const run: PacketRun = { retval, packet, exits: [] };
    this.#runs.get(planned.trial)?.push(run);
    if (retval === verdictWithoutEnd(entry)) this.#ended.push(run);
  }

  async seen(): Promise<Seen> {
    await this.settle();
    const ids = new Set(this.#program.programs.map(({ id }) => id));
    const maps = new Map<string, ReadonlyMap<number, bigint>>();
    for (const name of mapNames) {
      const value = name === "accounts" || name === "vault" ? account : u64;
      maps.set(name, await this.#entries(name.toUpperCase(), value));
    }
    return {
      runs: this.#runs,
      out: await this.#entries("OUT", u64),
      maps,
      records: this.#records,
      discarded: this.#discarded,
      isBusy: this.#isBusy,
      others: this.#others,
      stats: (await this.#site.api.programs()).filter(({ id }) => ids.has(id)),
    };
  }

  /** Something is wrong with others. */
  complain(complaints: readonly Complaint[]): void {
    this.#others.push(...complaints);
  }

  /**
   * Reads what there is to read of the last runs; gives the exit records of others. A call is made by a thread of its own, whose number
   * its record has. A run on a packet that has returned gives another verdict, so that the others have a record each.
   */
  async settle(): Promise<readonly ExitRecord[]> {
    const [begun, ended] = [this.#begun.splice(0), this.#ended.splice(0)];
    const inside = this.#inside;
    this.#inside = undefined;
    const isAny = begun.length + ended.length > 0 || inside !== undefined;
    const records = isAny ? await this.#site.exits.read() : [];
    const all = records.filter(({ object }) => object === objectName);
    const own = all.filter(({ prog }) => prog !== insideName);
    if (inside !== undefined) inside.exits = all.filter(({ prog }) => prog === insideName);
    for (const { run, tid } of begun) run.exits = own.filter(({ pid }) => pid === tid);
    const ofPackets = own.filter(({ pid }) => begun.every(({ tid }) => tid !== pid));
    ended.forEach((run, at) => {
      // Were there more than there should be, the last run would have them all.
      run.exits = ofPackets.slice(at, at === ended.length - 1 ? undefined : at + 1);
    });
    await this.#readRecords();
    return records.filter(({ object }) => object !== objectName);
  }

  async #try<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      this.#site.onFailure(error);
      throw error;
    }
  }

  async #entries(name: string, value: Codec<bigint>): Promise<ReadonlyMap<number, bigint>> {
    if (!this.#has(name)) return new Map();
    return new Map(await this.#program.map(name, { key: u32, value }).entries());
  }

  #limitMs(planned: readonly PlannedRun[]): number {
    const { timeoutMs, tickMs } = this.#site.limits;
    const ended = planned.filter(({ endsByTime }) => endsByTime).length;
    return this.#site.patienceMs + 3 * ended * (timeoutMs + tickMs);
  }

  #has(map: string): boolean {
    return this.#program.maps.some(({ name }) => name === map);
  }

  async #readRecords(): Promise<void> {
    if (!this.#has("RECORDS")) return;
    const { records, discarded, busy } = await this.#program.ringBuffer("RECORDS").read();
    this.#discarded += discarded;
    this.#isBusy ||= busy;
    for (const record of records) {
      const bytes = Buffer.from(record);
      const trial = bytes.length < recordHeadBytes ? -1 : bytes.readUInt32LE(0);
      const own = this.#records.get(trial) ?? [];
      this.#records.set(trial, [...own, bytes.subarray(recordHeadBytes)]);
    }
  }
}

/** A value with a lock, as predictions have it: its total, and below that its count. */
const account: Codec<bigint> = {
  name: "account",
  byteLength: 16,
  encode: () => {
    throw new Error("accounts are only read");
  },
  decode: (bytes) => {
    const buffer = Buffer.from(bytes);
    return (buffer.readBigUInt64LE(8) << 32n) | BigInt(buffer.readUInt32LE(4));
  },
};
