// SPDX-License-Identifier: MIT
// The spec of a finding that takes several programs: they are one object, and run in the order, and at the same time, in which they did it.
import { type Left, mapNames, needsTwoCpus, type Prediction } from "../interpret/prediction.ts";
import { entries, entryOf, printForGuest } from "../model/files.ts";
import { keysPerProgram, recordHeadBytes, runsPerProgram } from "../model/helpers.ts";
import { lacksMemory } from "../model/schedule.ts";
import { parted, roundsOf } from "./company.ts";
import type { PlannedRun } from "./execute.ts";
import { expectedOf } from "./expected.ts";
import { assertions, contents, contentText, hex, type Origin, wholeText } from "./spec-file.ts";
import { type ScheduleText, scheduleText } from "./spec-schedule.ts";
import { packetRun } from "./spec-twin.ts";
import type { JointFinding } from "./together.ts";

export function jointText(finding: JointFinding, origin: Origin, file: string): string {
  const { trials, cpus: seenOn, schedule } = finding;
  const printed = printForGuest(
    trials.map(({ program }) => program),
    { allocates: lacksMemory(schedule) },
  );
  const predictions = trials.map((trial) => expectedOf(trial, schedule) ?? trial.prediction);
  const cpus = predictions.some(needsTwoCpus) ? 2 : seenOn;
  const planned = trials.flatMap(({ program, inputs }, trial) =>
    (predictions[trial]?.runs ?? []).map(({ kind }, at): PlannedRun => {
      const slot = trial * runsPerProgram + at;
      return {
        trial,
        entry: entryOf(program),
        slot,
        input: inputs[at] ?? 0n,
        endsByTime: kind === "timeout",
      };
    }),
  );
  const byCall = planned.filter(({ entry }) => entries[entry] !== undefined);
  const byPacket = planned.filter(({ entry }) => entries[entry] === undefined);
  const around = scheduleText(schedule, { cpus, isAttached: byCall.length > 0 });
  const detaches = schedule?.visitors.some(({ kind }) => kind === "detach") ?? false;
  const lanes = schedule === undefined || detaches ? 1 : Math.min(schedule.lanes, cpus);
  const inOrder = schedule === undefined ? byCall : parted(byCall, byCall.length)[0];
  const rounds = schedule === undefined ? inOrder.map((run) => [run]) : roundsOf(inOrder, lanes);
  const assertionsOf = ({ trial, slot, entry }: PlannedRun) => {
    const run = predictions[trial]?.runs[slot - trial * runsPerProgram];
    if (run === undefined) return [];
    const line = "spot" in run ? printed.lineOf[trial]?.get(run.spot) : undefined;
    return assertions(run, slot, entries[entry] === undefined ? entry : undefined, line);
  };
  const attached = [...new Set(byCall.map(({ entry }) => entry))];
  const losesIt = (name: string) => detaches && byCall.some((run) => run.entry === name && run.endsByTime);
  const body = [
    around.begin,
    ...attached.map(
      (name) => `  ${losesIt(name) ? `let ${name} = ` : ""}await program.attach({ name: "${name}" });`,
    ),
    '  const out = program.map("OUT", { key: u32, value: u64 });',
    ...(byCall.length > 0 ? ["  let run: Run;"] : []),
    ...rounds.flatMap((round) => roundText(round, around, schedule !== undefined, assertionsOf)),
    ...byPacket.flatMap((run) => [
      `  {\n    let run: TestRun;\n  ${around.run(packetRun(run.entry, run.trial, run.slot, run.input), false)}`,
      ...assertionsOf(run).map((line) => `  ${line}`),
      "  }",
    ]),
    ...leftTogether(predictions, printed.text),
    around.end,
  ].filter((lines) => lines !== "");
  const types = [...(byCall.length > 0 ? ["Run"] : []), ...(byPacket.length > 0 ? ["TestRun"] : [])];
  return wholeText(finding, origin, file, {
    types: types.join(", type "),
    source: printed.text,
    beside: around.source,
    body: body.join("\n"),
    cpus,
  });
}

/** Runs that are made at the same time, and what becomes of each. */
function roundText(
  round: readonly PlannedRun[],
  around: ScheduleText,
  isPinned: boolean,
  assertionsOf: (run: PlannedRun) => readonly string[],
): string[] {
  const [first] = round;
  if (first === undefined) return [];
  const argsOf = ({ trial, slot, input }: PlannedRun) => `99999999, ${trial}, ${slot}, ${input}n`;
  if (round.length === 1) {
    const call = `t.guest.syscall("${entries[first.entry]?.syscall}", ${argsOf(first)}${isPinned ? ", { cpu: 0 }" : ""})`;
    const { entry } = first;
    const link = { variable: entry, program: entry, attach: `program.attach({ name: "${entry}" })` };
    return [around.run(call, first.endsByTime, link), ...assertionsOf(first)];
  }
  const calls = round.map(
    (run, cpu) => `{ syscall: "${entries[run.entry]?.syscall}", args: [${argsOf(run)}], cpu: ${cpu} }`,
  );
  return [
    "  {",
    `    const runs = await meanwhile(() => t.guest.trigger([${calls.join(", ")}], { timeoutMs: 30_000 }));`,
    ...round.flatMap((run, at) => [
      `    run = own(runs[${at}] as Run);`,
      ...assertionsOf(run).map((line) => `  ${line}`),
    ]),
    "  }",
  ];
}

/** Of those of which it is known. */
function leftTogether(predictions: readonly Prediction[], text: string): string[] {
  const lefts = predictions.flatMap(({ left }, trial) => (left === undefined ? [] : [{ left, trial }]));
  if (lefts.length === 0) return [];
  const isThere = (map: string) => text.includes(`static ${map.toUpperCase()}:`);
  const known = lefts.map(({ trial }) => trial);
  const isAll = known.length === predictions.length;
  const only = isAll
    ? ""
    : `.filter(([key]) => [${known.join(", ")}].includes(Math.floor(key / ${keysPerProgram})))`;
  const maps = mapNames.filter(isThere).map((name) => {
    const wanted = lefts.flatMap(({ left, trial }) =>
      [...left.maps[name]].map(([key, value]) => [trial * keysPerProgram + key, value] as const),
    );
    const pairs = wanted
      .sort(([a], [b]) => a - b)
      .map(([key, value]) => `[${key}, ${contentText(name, value)}]`);
    return `  t.expect(${contents(name, only)}).toEqual([${pairs.join(", ")}]);`;
  });
  return isThere("records") ? [...maps, ...recordAssertions(lefts, isAll)] : maps;
}

/** Those of a program are in their order; those of several may have come in between each other. */
function recordAssertions(
  lefts: readonly { readonly left: Left; readonly trial: number }[],
  isAll: boolean,
): string[] {
  const wanted = lefts.map(({ left, trial }) => {
    const records = left.records.map((bytes) => `"${hex(bytes)}"`);
    return `[${trial}, [${records.join(", ")}]]`;
  });
  const discarded = lefts.reduce((sum, { left }) => sum + left.discarded, 0);
  return [
    `  const { records, ${isAll ? "discarded, " : ""}busy } = await program.ringBuffer("RECORDS").read();`,
    "  const recordsOf = (program: number) => {",
    "    const own = records.map((record) => Buffer.from(record)).filter((bytes) => bytes.readUInt32LE(0) === program);",
    `    return own.map((bytes) => bytes.subarray(${recordHeadBytes}).toString("hex"));`,
    "  };",
    `  const wanted: [number, string[]][] = [${wanted.join(", ")}];`,
    "  for (const [program, texts] of wanted) t.expect(recordsOf(program)).toEqual(texts);",
    isAll
      ? `  t.expect({ discarded, busy }).toEqual({ discarded: ${discarded}, busy: false });`
      : "  t.expect(busy).toBe(false);",
  ];
}
