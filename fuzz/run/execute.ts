// SPDX-License-Identifier: MIT
// Runs the trials of an object in a guest, one after the other, and collects what there is to see.
import type { ExitRecord, TriggerOutcome } from "../../runner/protocol/generated.ts";
import { u32, u64 } from "../../runner/test/worker/codecs.ts";
import type { GuestApi } from "../../runner/test/worker/guest-api.ts";
import type { GuestCalls } from "../../runner/test/worker/guest-calls.ts";
import { Program } from "../../runner/test/worker/program.ts";
import { entries, entryOf, runsPerProgram } from "../model/files.ts";
import type { Limits, Seen, SeenRun } from "./judge.ts";
import { type Batch, objectName } from "./object.ts";

/** Threads of one request; and as many exit records are kept. */
const callsAtMost = 64;
/** Beside the time that programs take which are to be ended. */
const triggerLimitMs = 4_000;
/** For the answer, when that time is over. */
const graceMs = 4_000;
/** First argument of the calls: no process has this number. */
const nobody = "99999999";

interface PlannedCall {
  readonly trial: number;
  readonly syscall: string;
  readonly args: string[];
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
  const program = new Program(calls, api, objectName, loaded);
  try {
    for (const { name } of program.programs) await program.attach({ name });
    const runs = new Map<number, SeenRun[]>(chosen.map((trial) => [trial, []]));
    const planned = plan(batch, chosen);
    for (let at = 0; at < planned.length; at += callsAtMost)
      await trigger(calls, planned.slice(at, at + callsAtMost), runs, limits);
    const map = async (name: string) => new Map(await program.map(name, { key: u32, value: u64 }).entries());
    const ids = new Set(program.programs.map(({ id }) => id));
    return {
      runs,
      out: await map("OUT"),
      array: await map("ARRAY"),
      hash: await map("HASH"),
      stats: (await api.programs()).filter(({ id }) => ids.has(id)),
    };
  } finally {
    await program.unload();
  }
}

function plan(batch: Batch, chosen: readonly number[]): PlannedCall[] {
  return chosen.flatMap((trial) => {
    const { program, inputs, prediction } = batch.trials[trial] ?? {};
    if (program === undefined || prediction === undefined) return [];
    const { syscall } = entries[entryOf(program)];
    return prediction.runs.map(({ kind }, at) => ({
      trial,
      syscall,
      args: [nobody, trial, trial * runsPerProgram + at, inputs?.[at] ?? 0n].map(String),
      endsByTime: kind === "timeout",
    }));
  });
}

async function trigger(
  calls: GuestCalls,
  planned: readonly PlannedCall[],
  runs: ReadonlyMap<number, SeenRun[]>,
  { timeoutMs, tickMs }: Limits,
): Promise<void> {
  const before = (await calls.call("exits", { sinceSeq: 0 })).records.at(-1)?.seq ?? 0;
  const ended = planned.filter(({ endsByTime }) => endsByTime).length;
  const limitMs = triggerLimitMs + 3 * ended * (timeoutMs + tickMs);
  const outcomes = await calls.call(
    "trigger",
    {
      calls: planned.map(({ syscall, args }) => ({ syscall, args })),
      barrier: false,
      timeoutMs: Math.ceil(limitMs * calls.slowness),
    },
    limitMs + graceMs,
  );
  const { records } = await calls.call("exits", { sinceSeq: before });
  planned.forEach(({ trial }, at) => {
    runs.get(trial)?.push(seenRun(outcomes.calls[at], records));
  });
}

/** Exit records have the number of the thread that was interrupted; each call is made by a thread of its own. */
function seenRun(outcome: TriggerOutcome | undefined, records: readonly ExitRecord[]): SeenRun {
  return { errno: outcome?.errnoName, exits: records.filter(({ pid }) => pid === outcome?.tid) };
}
