// SPDX-License-Identifier: MIT
// Runs the trials of an object in a guest, one after the other, and collects what there is to see.
import type { ExitRecord, TriggerOutcome } from "../../runner/protocol/generated.ts";
import { type Codec, u32, u64 } from "../../runner/test/worker/codecs.ts";
import type { GuestApi } from "../../runner/test/worker/guest-api.ts";
import type { GuestCalls } from "../../runner/test/worker/guest-calls.ts";
import { Program } from "../../runner/test/worker/program.ts";
import { mapNames } from "../interpret/prediction.ts";
import { type EntryName, entries, entryOf, packetHead, packetHeadBytes } from "../model/files.ts";
import { recordHeadBytes, runsPerProgram } from "../model/helpers.ts";
import { packetOf } from "../model/packets.ts";
import type { Limits, Seen, SeenRun } from "./judge.ts";
import { type Batch, objectName } from "./object.ts";

/** Threads of one request; as many exit records are kept, and the records of so many runs have room in the ring buffer. */
const callsAtMost = 64;
/** Beside the time that programs take which are to be ended. */
const triggerLimitMs = 4_000;
/** For the answer, when that time is over. */
const graceMs = 4_000;
/** First argument of the calls: no process has this number. */
const nobody = "99999999";

/** One run of one trial. */
interface PlannedRun {
  readonly trial: number;
  readonly entry: EntryName;
  readonly slot: number;
  readonly input: bigint;
  readonly endsByTime: boolean;
}

/** Runs the trials with these indices. The object is unloaded in any case. */
export async function execute(
  calls: GuestCalls,
  api: GuestApi,
  batch: Batch,
  chosen: readonly number[],
  limits: Limits,
): Promise<Seen> {
  const loaded = await calls.call("load", { name: objectName, object: batch.base64 });
  await using program = new Program(calls, api, objectName, loaded);
  for (const { name } of program.programs)
    if (entries[name as EntryName] !== undefined) await program.attach({ name });
  const execution = new Execution(calls, program, limits, chosen);
  const planned = plan(batch, chosen);
  const byCall = planned.filter(({ entry }) => entries[entry] !== undefined);
  for (let at = 0; at < byCall.length; at += callsAtMost)
    await execution.trigger(byCall.slice(at, at + callsAtMost));
  const byPacket = planned.filter(({ entry }) => entries[entry] === undefined);
  for (const run of byPacket) await execution.receive(run);
  return await execution.seen(api);
}

function plan(batch: Batch, chosen: readonly number[]): PlannedRun[] {
  return chosen.flatMap((trial) => {
    const { program, inputs, prediction } = batch.trials[trial] ?? {};
    if (program === undefined || prediction === undefined) return [];
    const entry = entryOf(program);
    return prediction.runs.map(({ kind }, at) => {
      const [slot, input] = [trial * runsPerProgram + at, inputs?.[at] ?? 0n];
      return { trial, entry, slot, input, endsByTime: kind === "timeout" };
    });
  });
}

class Execution {
  readonly #calls: GuestCalls;
  readonly #program: Program;
  readonly #limits: Limits;
  readonly #runs: Map<number, SeenRun[]>;
  readonly #records = new Map<number, Uint8Array[]>();
  readonly #has: (map: string) => boolean;
  #discarded = 0;
  #isBusy = false;
  #lastExit: number | undefined;
  #unread = 0;

  constructor(calls: GuestCalls, program: Program, limits: Limits, chosen: readonly number[]) {
    this.#calls = calls;
    this.#program = program;
    this.#limits = limits;
    this.#runs = new Map(chosen.map((trial) => [trial, []]));
    this.#has = (map) => program.maps.some(({ name }) => name === map);
  }

  /** Makes the system calls, each by a thread of its own, one after the other. */
  async trigger(planned: readonly PlannedRun[]): Promise<void> {
    await this.#exits();
    const limitMs = this.#limitMs(planned);
    const calls = planned.map(({ entry, trial, slot, input }) => ({
      syscall: entries[entry]?.syscall ?? "",
      args: [nobody, trial, slot, input].map(String),
    }));
    const params = { calls, barrier: false, timeoutMs: Math.ceil(limitMs * this.#calls.slowness) };
    const outcomes = await this.#calls.call("trigger", params, limitMs + graceMs);
    const exits = await this.#exits();
    planned.forEach(({ trial }, at) => {
      this.#runs.get(trial)?.push(callRun(outcomes.calls[at], exits));
    });
    await this.#readRecords();
  }

  /** A test run on the packet that the input stands for. */
  async receive(planned: PlannedRun): Promise<void> {
    this.#lastExit ?? (await this.#exits());
    const packet = packetOf(planned.input);
    const head = packetHead(planned.trial, planned.slot, planned.input);
    const params = {
      program: this.#program.handle(planned.entry),
      dataIn: Buffer.concat([head, packet]).toString("base64"),
      ctxIn: packetContext(packet.length).toString("base64"),
    };
    const limitMs = this.#limitMs([planned]);
    const { retval, dataOut } = await this.#calls.call("testRun", params, limitMs + graceMs);
    const exits = retval === 0 ? await this.#exits() : [];
    const data = Buffer.from(dataOut, "base64").subarray(packetHeadBytes);
    this.#runs.get(planned.trial)?.push({ retval, packet: data, exits });
    this.#unread += 1;
    if (this.#unread === callsAtMost) await this.#readRecords();
  }

  async seen(api: GuestApi): Promise<Seen> {
    await this.#readRecords();
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
      stats: (await api.programs()).filter(({ id }) => ids.has(id)),
    };
  }

  async #entries(name: string, value: Codec<bigint>): Promise<ReadonlyMap<number, bigint>> {
    if (!this.#has(name)) return new Map();
    return new Map(await this.#program.map(name, { key: u32, value }).entries());
  }

  #limitMs(planned: readonly PlannedRun[]): number {
    const { timeoutMs, tickMs } = this.#limits;
    const ended = planned.filter(({ endsByTime }) => endsByTime).length;
    return triggerLimitMs + 3 * ended * (timeoutMs + tickMs);
  }

  /** Those since the last time. */
  async #exits(): Promise<readonly ExitRecord[]> {
    const { records } = await this.#calls.call("exits", { sinceSeq: this.#lastExit ?? 0 });
    this.#lastExit = records.at(-1)?.seq ?? this.#lastExit ?? 0;
    return records;
  }

  async #readRecords(): Promise<void> {
    this.#unread = 0;
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

/** Exit records have the number of the thread that was interrupted; each call is made by a thread of its own. */
function callRun(outcome: TriggerOutcome | undefined, records: readonly ExitRecord[]): SeenRun {
  return { errno: outcome?.errnoName, exits: records.filter(({ pid }) => pid === outcome?.tid) };
}

/** struct xdp_md, which says how much of the data is in front of the packet. */
function packetContext(packetBytes: number): Buffer {
  const context = Buffer.alloc(24);
  context.writeUInt32LE(packetHeadBytes, 0);
  context.writeUInt32LE(packetHeadBytes + packetBytes, 4);
  return context;
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
