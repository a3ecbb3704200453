// SPDX-License-Identifier: MIT
// The spec of a finding that takes several programs: they are one object, and run in the order, and at the same time, in which they did it.
import { type Left, mapNames, needsTwoCpus, type Prediction } from "../interpret/prediction.ts";
import { canNest } from "../model/facts.ts";
import { entries, entryOf, insideName, printForGuest } from "../model/files.ts";
import { keysPerProgram, recordHeadBytes, runsPerProgram } from "../model/helpers.ts";
import { lacksMemory, nests } from "../model/schedule.ts";
import { parted, roundsOf } from "./company.ts";
import { howItEnds, type PlannedRun } from "./execute.ts";
import { expectedOf } from "./expected.ts";
import { insiders } from "./inside.ts";
import { reasonOf } from "./judge.ts";
import { assertions, contents, contentText, hex, type Origin, wholeText } from "./spec-file.ts";
import { type ScheduleText, scheduleText } from "./spec-schedule.ts";
import { packetRun } from "./spec-twin.ts";
import type { JointFinding } from "./together.ts";
import { lookupOffsets, noJumps } from "./visitors.ts";

export function jointText(finding: JointFinding, origin: Origin, file: string): string {
  const { trials, cpus: seenOn, schedule } = finding;
  const printed = printForGuest(
    trials.map(({ program }) => program),
    { allocates: lacksMemory(schedule), nests: nests(schedule) },
  );
  const predictions = trials.map((trial) => expectedOf(trial, schedule) ?? trial.prediction);
  const cpus = predictions.some(needsTwoCpus) ? 2 : seenOn;
  const planned = trials.flatMap(({ program, inputs }, trial) =>
    (predictions[trial]?.runs ?? []).map((run, at): PlannedRun => {
      const slot = trial * runsPerProgram + at;
      return {
        trial,
        entry: entryOf(program),
        slot,
        input: inputs[at] ?? 0n,
        ...howItEnds(run),
        canNest: canNest(program),
      };
    }),
  );
  const attachable = planned.filter(({ entry }) => entries[entry] !== undefined);
  const [nested, byCall] = nests(schedule) ? insiders(attachable) : [[], attachable];
  const byPacket = planned.filter(({ entry }) => entries[entry] === undefined);
  const around = scheduleText(schedule, { cpus, isAttached: attachable.length > 0 });
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
  const received = ({ entry, trial, slot, input }: PlannedRun) => {
    const run = packetRun(entry, trial, slot, input);
    return nested.length > 0 ? `inside(() => ${run})` : run;
  };
  const attached = [...new Set(attachable.map(({ entry }) => entry))];
  const losesIt = (name: string) => detaches && byCall.some((run) => run.entry === name && run.endsByTime);
  const body = [
    around.begin,
    ...attached.map(
      (name) => `  ${losesIt(name) ? `let ${name} = ` : ""}await program.attach({ name: "${name}" });`,
    ),
    '  const out = program.map("OUT", { key: u32, value: u64 });',
    ...(byCall.length > 0 ? ["  let run: Run;"] : []),
    ...rounds.flatMap((round) => roundText(round, around, schedule !== undefined, assertionsOf)),
    ...(nested.length > 0 ? [insideText(nested, predictions)] : []),
    ...byPacket.flatMap((run) => [
      `  {\n    let run: TestRun;\n  ${around.run(received(run), false)}`,
      ...assertionsOf(run).map((line) => `  ${line}`),
      "  }",
    ]),
    ...(nested.length > 0 ? [alone] : []),
    ...leftTogether(predictions, printed.text),
    around.end,
  ].filter((lines) => lines !== "");
  const types = [
    ...(byCall.length > 0 ? ["Run"] : []),
    ...(byPacket.length + nested.length > 0 ? ["TestRun"] : []),
  ];
  return wholeText(finding, origin, file, {
    types: types.join(", type "),
    source: printed.text,
    beside: around.source,
    body: body.join("\n"),
    cpus,
  });
}

/** What runs inside of programs on packets, as inside.ts has it. */
function insideText(nested: readonly PlannedRun[], predictions: readonly Prediction[]): string {
  const runs = nested.map(({ trial, entry, slot, input }) => {
    const run = predictions[trial]?.runs[slot - trial * runsPerProgram];
    const reasons =
      run === undefined || run.kind === "returns" || run.kind === "unknown" ? [] : [reasonOf[run.kind]];
    const value = run?.kind === "returns" ? run.value : 0n;
    return `    { syscall: "${entries[entry]?.syscall}", args: [${trial}n, ${slot}n, ${input}n], reasons: ${JSON.stringify(reasons)}, value: ${value}n },`;
  });
  const [file, value] = noJumps;
  const [first, second] = lookupOffsets;
  return `  // These run inside of what programs on packets look up in hash maps.
  const left: { syscall: string; args: [bigint, bigint, bigint]; reasons: string[]; value: bigint }[] = [
${runs.join("\n")}
  ];
  await t.guest.writeFile("${file}", "${value}");
  const probe = (offset: string) =>
    program.attach({ name: "${insideName}", target: { kind: "kprobe", symbol: "htab_map_lookup_elem", offset } });
  await probe("${first}").catch(() => probe("${second}"));
  const armed = program.map("NEST", { key: u32, value: u64 });
  const ended = async ({ args, reasons, value }: (typeof left)[number], exits: readonly { reason: string }[]) => {
    t.expect(exits.map(({ reason }) => reason)).toEqual(reasons);
    t.expect(await out.get(Number(args[1]))).toBe(value);
  };
  const inside = async (act: () => Promise<TestRun>): Promise<TestRun> => {
    const [next] = left;
    if (next === undefined) return act();
    await program.map("NESTED").set(Buffer.alloc(4), Buffer.from(BigUint64Array.from(next.args).buffer));
    await armed.set(0, 1n);
    const run = await act();
    const hasRun = (await armed.get(0)) !== 1n;
    await armed.set(0, 0n);
    if (hasRun) await ended(next, run.exits.filter(({ prog }) => prog === "${insideName}"));
    if (hasRun) left.shift();
    return run;
  };`;
}

/** What has found none to run inside of. */
const alone = `  for (const next of left)
    await ended(next, own(await meanwhile(() => t.guest.syscall(next.syscall, 99999999, ...next.args))).exits);`;

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
