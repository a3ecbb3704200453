// SPDX-License-Identifier: MIT
// The target `api`: sequences of calls of the crate, made by one program that a system call tells which (fuzz/api/operator.ts). Each has to
// give what a model of the maps says, and the maps hold it in the end.
import { readFile } from "node:fs/promises";
import type { TriggerOutcome } from "../../runner/protocol/generated.ts";
import { u32, u64 } from "../../runner/test/worker/codecs.ts";
import { Program } from "../../runner/test/worker/program.ts";
import { callsOf } from "../api/calls.ts";
import { type Call, type Expected, Model, type Outcome, shown } from "../api/model.ts";
import { callNames, operatorName, operatorSource, slots, syscallName } from "../api/operator.ts";
import { madeOf, seedOf } from "../model/generate/seeded.ts";
import { apiSpecText } from "./api-spec.ts";
import { traceFewest } from "./fewest.ts";
import { FuzzGuest } from "./fuzz-guest.ts";
import type { BatchOutcome, Lab, Target, Traced } from "./target.ts";
import { type Complaint, keyOf } from "./trial.ts";
import { type GuestTurns, workInGuests } from "./worker.ts";

/** Calls on maps that were empty at first. */
const callsPerBatch = 6 * slots;
const batchesPerGuest = 40;
const triggerLimitMs = 10_000;
const attempts = 3;
const shrinkLimitMs = 60_000;
/** Of the system call: no policy has this number, and none is needed. */
export const noPolicy = 999n;

interface Job {
  readonly number: number;
  readonly calls: readonly Call[];
  readonly object: string;
}

export const apiTarget: Target = {
  name: "api",
  summary: "sequences of calls of the crate, against a model of maps and helpers",
  counted: [
    { name: "calls", hasRate: true },
    { name: "sequences", hasRate: false },
  ],
  oracles: ["prediction", "kernel health", "resource neutrality", "canary"],
  work: async (lab) => {
    const object = await lab.campaign.during("compiling", () => compiled(lab));
    await workInGuests<Job>(lab, {
      usesPerGuest: batchesPerGuest,
      prepare: async (number) => ({
        number,
        calls: madeOf(seedOf(lab.campaign.seed, number), (draw) => callsOf(draw, callsPerBatch)),
        object,
      }),
      run: (job, guests) => run(lab, job, guests),
    });
  },
};

async function compiled({ compile }: Lab): Promise<string> {
  const result = await compile({ kind: "inline", name: operatorName, text: operatorSource });
  if (!result.ok) throw new Error(`the program that makes the calls does not compile: ${result.rendered}`);
  return await readFile(result.object, "base64");
}

async function run(lab: Lab, { number, calls, object }: Job, guests: GuestTurns): Promise<BatchOutcome> {
  const { campaign } = lab;
  const complaints = await guests.use((guest) =>
    campaign.during("calling", () => makeCalls(guest, object, calls), `batch ${number}`),
  );
  const stands: string[] = [];
  for (const complaint of complaints)
    if (await campaign.follow(complaint, (onStep) => trace(lab, object, calls, complaint, onStep)))
      stands.push(keyOf(complaint));
  return {
    counts: { calls: calls.length, sequences: 1 },
    verdicts: [...calls.map(({ name, key }) => `${name} ${key}`), ...stands],
  };
}

async function trace(
  lab: Lab,
  object: string,
  calls: readonly Call[],
  { oracle, title }: Complaint,
  onStep: (what: string) => void,
): Promise<Traced | undefined> {
  const key = keyOf({ oracle, title });
  const see = async (some: readonly Call[]): Promise<Complaint | undefined> => {
    onStep(`“${key}” with ${some.length} calls`);
    await using guest = await FuzzGuest.start(lab.guests);
    return (await makeCalls(guest, object, some)).find((other) => keyOf(other) === key);
  };
  const limits = { shrinkMs: shrinkLimitMs, attempts };
  return await traceFewest(calls, see, limits, {
    input: (enough) => enough.map(written).join("\n"),
    spec: apiSpecText,
  });
}

/** Loads the program, makes the calls, compares, and unloads it. */
export function makeCalls(guest: FuzzGuest, object: string, calls: readonly Call[]): Promise<Complaint[]> {
  return guest.observe(async () => {
    const loaded = await guest.calls.call("load", { name: operatorName, object });
    const program = new Program(guest.calls, guest.api, operatorName, loaded);
    try {
      await program.attach();
      const model = new Model();
      const complaints: Complaint[] = [];
      for (let at = 0; at < calls.length && complaints.length === 0; at += slots) {
        complaints.push(...(await makeSome(guest, program, model, calls.slice(at, at + slots))));
        // What follows from it says nothing.
        if (complaints.length === 0) complaints.push(...(await readRing(program, model)));
      }
      return complaints.length > 0 ? complaints : await compareMaps(program, model);
    } finally {
      await program.unload();
    }
  });
}

async function makeSome(
  { calls: guestCalls }: FuzzGuest,
  program: Program,
  model: Model,
  calls: readonly Call[],
): Promise<Complaint[]> {
  const requests = calls.map(({ name, key, value, more }, slot) => ({
    syscall: syscallName,
    args: [noPolicy, BigInt(callNames.indexOf(name)), key, value, more, BigInt(slot)].map(String),
  }));
  const before = (await guestCalls.call("exits", { sinceSeq: 0 })).records.at(-1)?.seq ?? 0;
  const { calls: outcomes } = await guestCalls.call(
    "trigger",
    { calls: requests, barrier: false, timeoutMs: triggerLimitMs * guestCalls.slowness },
    2 * triggerLimitMs,
  );
  const [exit] = (await guestCalls.call("exits", { sinceSeq: before })).records;
  if (exit !== undefined) {
    const at = calls[outcomes.findIndex(({ tid }) => tid === exit.pid)];
    const title = `${at?.name}: the program was ended by ${exit.reason}`;
    return [
      { oracle: "prediction", title, detail: `${at === undefined ? "" : written(at)}\n${exit.message}` },
    ];
  }
  const column = async (name: string) => new Map(await program.map(name, { key: u32, value: u64 }).entries());
  const [statuses, values] = [await column("STATUS"), await column("VALUE")];
  for (const [slot, call] of calls.entries()) {
    const seen: Outcome = { status: statuses.get(slot) ?? 0n, value: values.get(slot) ?? 0n };
    const wrong = wrongWith(call, model.apply(call), seen, outcomes[slot]);
    if (wrong !== undefined) return [wrong];
  }
  return [];
}

function wrongWith(
  call: Call,
  expected: Expected,
  seen: Outcome,
  outcome: TriggerOutcome | undefined,
): Complaint | undefined {
  const about = (title: string, detail: string): Complaint => ({
    oracle: "prediction",
    title: `${call.name}: ${title}`,
    detail: `${written(call)}\n${detail}`,
  });
  if (outcome?.errnoName !== "EINVAL")
    return about("the system call does not come back as it should", JSON.stringify(outcome));
  if ("what" in expected)
    return expected.holds(seen, { tid: BigInt(outcome.tid) })
      ? undefined
      : about("another outcome", `${shown(seen)}, and not ${expected.what}`);
  return expected.status === seen.status && expected.value === seen.value
    ? undefined
    : about("another outcome", `${shown(seen)}, and not ${shown(expected)}`);
}

async function readRing(program: Program, model: Model): Promise<Complaint[]> {
  const { records, discarded } = await program.ringBuffer("RING").read();
  const seen = { records: records.map((record) => Buffer.from(record).toString("hex")), discarded };
  const expected = model.readRing();
  if (JSON.stringify(seen) === JSON.stringify(expected)) return [];
  const detail = `${JSON.stringify(seen)}\nand not\n${JSON.stringify(expected)}`;
  return [{ oracle: "prediction", title: "other records in the ring buffer", detail }];
}

async function compareMaps(program: Program, model: Model): Promise<Complaint[]> {
  const complaints: Complaint[] = [];
  const keys = { ARRAY: u32, BARE: u32, HASH: u64, LRU: u64 } as const;
  for (const [name, key] of Object.entries(keys)) {
    const found = await program.map<number | bigint, bigint>(name, { key, value: u64 }).entries();
    const expected = model.entries(name);
    const seen = new Map(found.map(([one, value]) => [BigInt(one), value]));
    const wrong = [...seen].filter(([one, value]) => (expected.get(one) ?? 0n) !== value);
    // What such a map has forgotten is no loss.
    const lost = name === "LRU" ? [] : [...expected].filter(([one]) => !seen.has(one));
    if (wrong.length + lost.length > 0)
      complaints.push({
        oracle: "prediction",
        title: `${name}: another content in the end`,
        detail: `${[...seen].join("; ")}\nand not\n${[...expected].join("; ")}`,
      });
  }
  return complaints;
}

export function written({ name, key, value, more }: Call): string {
  return `${name}: key ${key}, value ${value}, more ${more}`;
}
