// SPDX-License-Identifier: MIT
// A finding as a spec that fails by itself with `rex-test run`, for as long as the bug is there.
import type { OptLevel } from "../../runner/test/programs/source.ts";
import {
  type Left,
  type MapName,
  mapNames,
  needsTwoCpus,
  type RunPrediction,
} from "../interpret/prediction.ts";
import type { Program } from "../model/ast.ts";
import { type EntryName, entries, entryOf, printForGuest } from "../model/files.ts";
import { recordHeadBytes } from "../model/helpers.ts";
import { printModule } from "../model/print.ts";
import { lacksMemory } from "../model/schedule.ts";
import { testRunInput, verdictOf, verdictWithoutEnd } from "../model/test-runs.ts";
import { variantOf } from "../model/variants.ts";
import { expectedOf } from "./expected.ts";
import type { Finding } from "./hunt.ts";
import { scheduleText } from "./spec-schedule.ts";
import { packetRun, twinText } from "./spec-twin.ts";
import { keyOf } from "./trial.ts";

/** The program alone, without what is the same in all objects. */
export function moduleText(program: Program): string {
  return printModule(program, 0, 1).lines.join("\n");
}

export interface Origin {
  /** What the kernel under test is called. */
  readonly kernel: string;
  readonly seed: number;
  /** Of its object, if not as usual. */
  readonly optLevel?: OptLevel | undefined;
}

export function specText(finding: Finding, origin: Origin, file: string): string {
  const { program, inputs, variant } = finding.trial;
  if (finding.complaint.oracle !== "metamorphic" || variant === undefined)
    return predictedText(finding, origin, file);
  const { source, body } = twinText(program, variantOf(program, variant), inputs);
  const parts = { types: "Run, type TestRun", source, body, cpus: finding.cpus };
  return wholeText(finding, origin, file, parts);
}

function predictedText(finding: Finding, origin: Origin, file: string): string {
  const { trial, cpus: seenOn, schedule } = finding;
  const { text, lineOf } = printForGuest([trial.program], { allocates: lacksMemory(schedule) });
  const prediction = expectedOf(trial, schedule) ?? trial.prediction;
  const name = entryOf(trial.program);
  const entry = entries[name];
  const cpus = needsTwoCpus(prediction) ? 2 : seenOn;
  const around = scheduleText(schedule, { cpus, isAttached: entry !== undefined });
  const runs = prediction.runs.flatMap((run, at) => {
    const input = trial.inputs[at] ?? 0n;
    const pinned = schedule === undefined ? "" : ", { cpu: 0 }";
    const started =
      entry === undefined
        ? packetRun(name, 0, at, input)
        : `t.guest.syscall(${JSON.stringify(entry.syscall)}, 99999999, 0, ${at}, ${input}n${pinned})`;
    return [
      around.run(started, run.kind === "timeout"),
      ...assertions(
        run,
        at,
        entry === undefined ? name : undefined,
        lineOf[0]?.get("spot" in run ? run.spot : {}),
      ),
    ];
  });
  const type = entry === undefined ? "TestRun" : "Run";
  const link = schedule?.visitors.some(({ kind }) => kind === "detach") ? "let link = " : "";
  const body = [
    around.begin,
    ...(entry === undefined ? [] : [`  ${link}await program.attach();`]),
    '  const out = program.map("OUT", { key: u32, value: u64 });',
    `  let run: ${type};`,
    ...runs,
    ...leftAssertions(prediction.left, text),
    around.end,
  ].filter((lines) => lines !== "");
  return wholeText(finding, origin, file, {
    types: type,
    source: text,
    beside: around.source,
    body: body.join("\n"),
    cpus,
  });
}

export interface Parts {
  /** To be imported. */
  readonly types: string;
  readonly source: string;
  readonly beside?: string;
  readonly body: string;
  readonly cpus: number;
}

export function wholeText(
  { complaint, reproduced, attempts }: Pick<Finding, "complaint" | "reproduced" | "attempts">,
  origin: Origin,
  file: string,
  { types, source, beside = "", body, cpus }: Parts,
): string {
  const level = origin.optLevel === undefined ? "" : `, { optLevel: "${origin.optLevel}" }`;
  return `// SPDX-License-Identifier: MIT
// Found by \`rex-test fuzz --seed ${origin.seed}\` on the kernel ${origin.kernel}, on ${reproduced} of ${attempts} fresh guests.
// ${keyOf(complaint)}
${comment(complaint.detail)}
//
//     rex-test run ${file}
import { rex, rexTest, type ${types}, u32, u64 } from "rex-test";

const source = rex.program("fuzzed"${level})\`${source}\`;
${beside}
rexTest(${JSON.stringify(keyOf(complaint))}, { cpus: ${cpus}, timeoutMs: 60_000 }, async (t) => {
  await t.guest.writeFile("/proc/sys/kernel/rex_tick_ms", "10\\n");
  await t.guest.writeFile("/proc/sys/kernel/rex_timeout_ms", "100\\n");
  await t.guest.measureStacks();
  const program = await t.load(source);
${body}
  for (const { stackUsedBytes, stackBoundBytes = Infinity } of await t.guest.programs())
    t.expect(stackUsedBytes).toBeLessThanOrEqual(stackBoundBytes);
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
`;
}

export function assertions(
  run: RunPrediction,
  at: number,
  packet: EntryName | undefined,
  line: number | undefined,
): string[] {
  if (run.kind === "unknown") return ["  void [run, out, await t.guest.exits()]; // whatever it does"];
  const value = run.kind === "returns" ? run.value : 0n;
  const returned = `  t.expect(await out.get(${at})).toBe(${value}n);`;
  return [...hook(run, value, packet), ...ending(run, line), returned];
}

function hook(run: RunPrediction, value: bigint, name: EntryName | undefined): string[] {
  if (name === undefined) return ['  t.expect(run).toReturn("ESRCH");'];
  const verdict = `  t.expect(run).toReturn(${run.kind === "returns" ? verdictOf(name, value) : verdictWithoutEnd(name)});`;
  if (run.packet === undefined) return [verdict];
  const got = `Buffer.from(run.data).subarray(${testRunInput(name, 0, 0, 0n).headBytes}).toString("hex")`;
  return [verdict, `  t.expect(${got}).toBe("${hex(run.packet)}");`];
}

export function hex(bytes: readonly bigint[]): string {
  return Buffer.from(bytes.map(Number)).toString("hex");
}

function ending(run: RunPrediction, line: number | undefined): string[] {
  switch (run.kind) {
    case "returns":
      return ["  t.expect(run.exits).toEqual([]);"];
    case "panics": {
      // What panics in core says where in core.
      const at = `at: /^(?!src\\/main\\.rs)\\S+:\\d+:|^src\\/main\\.rs:${line}:/`;
      const message = ofRange.test(run.message) ? "/range|slice index/" : JSON.stringify(run.message);
      return [
        `  t.expect(run).toExitGracefully({ reason: "panic", message: ${message}, ${at} });`,
        released(run.released),
      ];
    }
    case "nested":
      return ['  t.expect(run).toExitGracefully({ reason: "nested_panic" });', released(run.released)];
    case "timeout":
      return ["  t.expect(run).toTimeOut({ afterMs: 100, withinMs: 2_110 });", released(run.released)];
    case "resources":
      return ['  t.expect(run).toExitGracefully({ reason: "resources" });', released(run.released)];
    case "unknown":
      return [];
    case "overflow":
      return ["  t.expect(run).toOverflowStack({});"];
  }
}

const ofRange = /^range (?:start|end) index|^slice index starts/;

function released(kinds: readonly string[]): string {
  return `  t.expect(run.exits[0]?.released).toEqual(${JSON.stringify(kinds)});`;
}

function leftAssertions(left: Left | undefined, text: string): string[] {
  if (left === undefined) return [];
  const isThere = (map: string) => text.includes(`static ${map.toUpperCase()}:`);
  const maps = mapNames.filter(isThere).map((name) => {
    const wanted = [...left.maps[name]].sort(([a], [b]) => a - b);
    const pairs = wanted.map(([key, value]) => `[${key}, ${contentText(name, value)}]`);
    return `  t.expect(${contents(name)}).toEqual([${pairs.join(", ")}]);`;
  });
  if (!isThere("records")) return maps;
  const records = left.records.map((bytes) => `"${hex(bytes)}"`);
  return [
    ...maps,
    '  const { records, discarded, busy } = await program.ringBuffer("RECORDS").read();',
    `  const texts = records.map((record) => Buffer.from(record).subarray(${recordHeadBytes}).toString("hex"));`,
    `  t.expect({ texts, discarded, busy }).toEqual({ texts: [${records.join(", ")}], discarded: ${left.discarded}, busy: false });`,
  ];
}

const isLocked = (name: MapName) => name === "accounts" || name === "vault";

/** A value with a lock: lock, count and total as they lie in memory. */
export function contentText(name: MapName, value: bigint): string {
  if (!isLocked(name)) return `${value}n`;
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(Number(value & 0xffff_ffffn), 4);
  bytes.writeBigUInt64LE(value >> 32n, 8);
  return `"${bytes.toString("hex")}"`;
}

/** Sorted by key. `only` leaves some out. */
export function contents(name: MapName, only = ""): string {
  const map = name.toUpperCase();
  const zero = name === "array" ? ".filter(([, value]) => value !== 0n)" : "";
  if (!isLocked(name))
    return `(await program.map("${map}", { key: u32, value: u64 }).entries())${zero}${only}.toSorted(([a], [b]) => a - b)`;
  const filter = name === "accounts" ? ".filter(([, value]) => !/^0*$/.test(value))" : "";
  const texts = 'map(([key, value]) => [key[0] ?? 0, Buffer.from(value).toString("hex")] as const)';
  return `(await program.map("${map}").entries()).${texts}${filter}${only}.toSorted(([a], [b]) => a - b)`;
}

function comment(text: string): string {
  return text
    .split("\n")
    .slice(0, 40)
    .map((line) => `// ${line}`.trimEnd())
    .join("\n");
}
