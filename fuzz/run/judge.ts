// SPDX-License-Identifier: MIT
// Compares what was seen of programs with what was predicted. Pure: what was seen comes from execute.ts.
import type { ExitRecord, ProgramStats } from "../../runner/protocol/generated.ts";
import { sameMessage } from "../interpret/message.ts";
import { mapNames, type Prediction, type RunPrediction } from "../interpret/prediction.ts";
import { type EntryName, entryOf } from "../model/files.ts";
import { keysPerProgram, runsPerProgram } from "../model/helpers.ts";
import type { Spot } from "../model/print.ts";
import { verdictOf, verdictWithoutEnd } from "../model/test-runs.ts";
import { expectedOf } from "./expected.ts";
import type { Batch } from "./object.ts";
import type { Complaint } from "./trial.ts";
import { twinComplaints } from "./twins.ts";

/** Of one run of a program: what became of the system call that it was attached to, or of its packet. */
export type SeenRun = {
  readonly exits: readonly ExitRecord[];
} & ({ readonly errno: string | undefined } | { readonly retval: number; readonly packet: Uint8Array });

export interface Seen {
  /** For each program that was run, by its number in the object, its runs. */
  readonly runs: ReadonlyMap<number, readonly SeenRun[]>;
  readonly out: ReadonlyMap<number, bigint>;
  /** By the names of predictions. */
  readonly maps: ReadonlyMap<string, ReadonlyMap<number, bigint>>;
  /** For each trial, what it has submitted to the ring buffer. */
  readonly records: ReadonlyMap<number, readonly Uint8Array[]>;
  /** How many reservations were not submitted. */
  readonly discarded: number;
  /** One was neither submitted nor discarded. */
  readonly isBusy: boolean;
  readonly stats: readonly ProgramStats[];
  /** What is wrong with those that ran meanwhile. */
  readonly others: readonly Complaint[];
}

export interface Limits {
  readonly timeoutMs: number;
  readonly tickMs: number;
  /** For a host on which the guest's processors stand still now and then. */
  readonly slackMs: number;
}

export function judge(batch: Batch, seen: Seen, limits: Limits): Complaint[] {
  const complaints: Complaint[] = [];
  for (const [trial, runs] of seen.runs) {
    const found = batch.trials[trial];
    const expected = expectedIn(batch, trial);
    const lineOf = batch.printed.lineOf[trial];
    if (found === undefined || expected === undefined || lineOf === undefined) continue;
    const place = { lineOf, entry: entryOf(found.program) };
    expected.runs.forEach((wanted, at) => {
      const value = seen.out.get(trial * runsPerProgram + at) ?? 0n;
      const complaint = judgeRun(wanted, runs[at], value, place, limits);
      if (complaint !== undefined)
        complaints.push({ ...complaint, trial, run: at, detail: `run ${at}: ${complaint.detail}` });
    });
    const [complaint] = leftComplaints(trial, batch, seen);
    if (complaint !== undefined && !complaints.some((other) => other.trial === trial))
      complaints.push(complaint);
  }
  const others = complaints.length === 0 ? twinComplaints(batch, seen) : [];
  const common = complaints.length === 0 ? ringComplaints(batch, seen) : [];
  return [...complaints, ...others, ...seen.others, ...common, ...seen.stats.flatMap(stackComplaints)];
}

function expectedIn({ trials, company }: Batch, trial: number): Prediction | undefined {
  const found = trials[trial];
  return found && expectedOf(found, company?.schedule);
}

type Found = Omit<Complaint, "trial" | "run">;

/** Where a program is in its object. */
interface Place {
  readonly lineOf: ReadonlyMap<Spot, number>;
  readonly entry: EntryName;
}

function judgeRun(
  wanted: RunPrediction,
  run: SeenRun | undefined,
  value: bigint,
  { lineOf, entry }: Place,
  limits: Limits,
): Found | undefined {
  if (wanted.kind === "unknown") return undefined;
  const [exit, second] = run?.exits ?? [];
  if (second !== undefined) return prediction("one run has two exit records", JSON.stringify(run?.exits));
  const got = exit?.reason ?? "return";
  const expected = reasonOf[wanted.kind];
  if (got !== expected) {
    const detail = `expected ${describe(wanted, lineOf)}, got ${got} ${exit?.message ?? value}`;
    const oracle = [got, expected].includes("timeout") ? "termination" : "prediction";
    return { oracle, title: `${expected} expected, ${got} seen`, detail };
  }
  const complaint = judgeHook(wanted, run, entry);
  if (complaint !== undefined) return complaint;
  if (wanted.kind === "returns") {
    return value === wanted.value
      ? undefined
      : prediction("another value returned", `expected ${wanted.value}, got ${value}`);
  }
  if (value !== 0n) return prediction("a program that ended has returned", `its value is ${value}`);
  return exit === undefined ? undefined : judgeExit(wanted, exit, lineOf, limits);
}

/** What was made of the packet, or of the caller's system call. */
function judgeHook(wanted: RunPrediction, run: SeenRun | undefined, entry: EntryName): Found | undefined {
  if (run === undefined || !("retval" in run)) {
    const errno = run?.errno ?? "success";
    if (errno === "ESRCH") return undefined;
    return prediction("the caller's result is another one", `ESRCH expected, ${errno} seen`);
  }
  const verdict = wanted.kind === "returns" ? verdictOf(entry, wanted.value) : verdictWithoutEnd(entry);
  if (run.retval !== verdict) return prediction("another verdict", `expected ${verdict}, got ${run.retval}`);
  const [expected, got] = [wanted.packet?.join(), run.packet.join()];
  if (expected === undefined || expected === got) return undefined;
  return prediction("another packet", `expected ${expected}\n     got ${got}`);
}

export const reasonOf = {
  returns: "return",
  panics: "panic",
  nested: "nested_panic",
  timeout: "timeout",
  resources: "resources",
  overflow: "stack_overflow",
} as const satisfies Record<Known["kind"], string>;

/** Whether a program of which this is predicted can have the complaint. */
export function mayHave({ title }: Complaint, { runs }: Prediction): boolean {
  const [, expected = endingOfTitle.get(title)] = /^(\w+) expected, \w+ seen$/.exec(title) ?? [];
  return expected === undefined || runs.some(({ kind }) => kind === "unknown" || reasonOf[kind] === expected);
}

/** What is said only of programs that end like that. */
const endingOfTitle = new Map<string, string>([
  ["another message", "panic"],
  ["another line", "panic"],
  ["ended before the limit", "timeout"],
  ["ended long after the limit", "timeout"],
]);

type Known = Exclude<RunPrediction, { kind: "unknown" }>;

function judgeExit(
  wanted: Exclude<Known, { kind: "returns" }>,
  exit: ExitRecord,
  lineOf: ReadonlyMap<Spot, number>,
  limits: Limits,
): Found | undefined {
  if (wanted.kind === "panics") {
    if (!sameMessage(wanted.message, exit.message)) {
      const detail = `expected ${JSON.stringify(wanted.message)}, got ${JSON.stringify(exit.message)}`;
      return prediction("another message", detail);
    }
    const line = lineOf.get(wanted.spot);
    // What panics in core says where in core.
    const [, at] = /^src\/main\.rs:(\d+):/.exec(exit.location ?? "") ?? [];
    if (!/^\S+:\d+:\d+$/.test(exit.location ?? "") || (at !== undefined && Number(at) !== line))
      return prediction("another line", `expected src/main.rs:${line}, got ${exit.location}`);
  }
  // At an overflow it depends on where it was.
  if (wanted.kind !== "overflow" && wanted.released.join() !== exit.released.join()) {
    const detail = `expected [${wanted.released.join()}], got [${exit.released.join()}]`;
    return { oracle: "resource neutrality", title: "other resources released", detail };
  }
  return wanted.kind === "timeout" ? judgeTime(exit, limits) : undefined;
}

function judgeTime({ durationNs }: ExitRecord, { timeoutMs, tickMs, slackMs }: Limits): Found | undefined {
  const ranMs = durationNs / 1e6;
  const detail = `ran for ${ranMs.toFixed(1)} ms, limit ${timeoutMs} ms, tick ${tickMs} ms`;
  if (ranMs < timeoutMs) return { oracle: "termination", title: "ended before the limit", detail };
  if (ranMs <= timeoutMs + tickMs + slackMs) return undefined;
  return { oracle: "termination", title: "ended long after the limit", detail };
}

function prediction(title: string, detail: string): Found {
  return { oracle: "prediction", title, detail };
}

function describe(wanted: Known, lineOf: ReadonlyMap<Spot, number>): string {
  if (wanted.kind === "returns") return `a return of ${wanted.value}`;
  if (wanted.kind !== "panics") return reasonOf[wanted.kind];
  return `panic at line ${lineOf.get(wanted.spot)}: ${wanted.message}`;
}

function leftComplaints(trial: number, batch: Batch, seen: Seen): Complaint[] {
  const left = expectedIn(batch, trial)?.left;
  if (left === undefined) return [];
  const maps = mapNames.flatMap((name): Complaint[] => {
    const wanted = show(left.maps[name]);
    const isHash = name === "hash" || name === "vault";
    const own = [...(seen.maps.get(name) ?? [])].filter(
      ([key, value]) => Math.floor(key / keysPerProgram) === trial && (isHash || value !== 0n),
    );
    const got = show(new Map(own.map(([key, value]) => [key % keysPerProgram, value])));
    if (wanted === got) return [];
    const detail = `expected {${wanted}}, got {${got}}`;
    return [{ oracle: "prediction", title: `other contents of the ${name} map`, detail, trial }];
  });
  const wanted = left.records.map((bytes) => bytes.join()).join("; ");
  const got = (seen.records.get(trial) ?? []).map((bytes) => bytes.join()).join("; ");
  if (wanted === got) return maps;
  const detail = `expected ${wanted || "none"}, got ${got || "none"}`;
  return [...maps, { oracle: "prediction", title: "other records in the ring buffer", detail, trial }];
}

/** What can't be said of a single program. */
function ringComplaints(batch: Batch, { runs, records, discarded, isBusy }: Seen): Complaint[] {
  if (isBusy) return [{ oracle: "resource neutrality", title: "a reservation was left open", detail: "" }];
  const strangers = [...records.keys()].filter((trial) => !runs.has(trial));
  if (strangers.length > 0)
    return [
      { oracle: "prediction", title: "records of programs that did not run", detail: strangers.join() },
    ];
  const indices = [...batch.trials.keys()].filter((trial) => runs.has(trial));
  const lefts = indices.map((trial) => {
    const { discarded: own } = expectedIn(batch, trial)?.left ?? {};
    return own === undefined || !batch.twins.has(trial) ? own : 2 * own;
  });
  const wanted = lefts.reduce(
    (sum, own) => (sum === undefined || own === undefined ? undefined : sum + own),
    0,
  );
  if (wanted === undefined || wanted === discarded) return [];
  const detail = `expected ${wanted}, got ${discarded}`;
  return [{ oracle: "prediction", title: "other discarded reservations", detail }];
}

function show(map: ReadonlyMap<number, bigint>): string {
  return [...map]
    .sort(([a], [b]) => a - b)
    .map(([key, value]) => `${key}: ${value}`)
    .join(", ");
}

/** Two thirds of a stack are for formatting the message of a panic, see docs/stack.md. */
const reportBytesAtMost = 24 * 1024;

function stackComplaints({
  name,
  stackBoundBytes,
  stackUsedBytes,
  reportUsedBytes,
}: ProgramStats): Complaint[] {
  if (stackBoundBytes !== undefined && stackUsedBytes > stackBoundBytes) {
    const detail = `${name} used ${stackUsedBytes} bytes, at most ${stackBoundBytes} were proved`;
    return [{ oracle: "stack bound", title: "more stack used than was proved", detail }];
  }
  if (reportUsedBytes > reportBytesAtMost) {
    const detail = `${name} used ${reportUsedBytes} bytes to format the message of a panic`;
    return [{ oracle: "stack bound", title: "more stack used by a message than is allowed", detail }];
  }
  return [];
}
