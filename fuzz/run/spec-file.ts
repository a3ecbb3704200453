// SPDX-License-Identifier: MIT
// A finding as a spec that fails by itself with `rex-test run`, for as long as the bug is there.
import type { RunPrediction } from "../interpret/prediction.ts";
import type { Program } from "../model/ast.ts";
import { entries, entryOf, printForGuest } from "../model/files.ts";
import { printModule } from "../model/print.ts";
import type { Finding } from "./hunt.ts";
import { keyOf } from "./trial.ts";

/** The program alone, without what is the same in all objects. */
export function moduleText(program: Program): string {
  return printModule(program, 0, 1).lines.join("\n");
}

export interface Origin {
  /** What the kernel under test is called. */
  readonly kernel: string;
  readonly seed: number;
}

export function specText(
  { complaint, trial, reproduced, attempts }: Finding,
  origin: Origin,
  file: string,
): string {
  const { text, lineOf } = printForGuest([trial.program]);
  const { syscall } = entries[entryOf(trial.program)];
  const runs = trial.prediction.runs.flatMap((run, at) => [
    `  run = await t.guest.syscall(${JSON.stringify(syscall)}, 99999999, 0, ${at}, ${trial.inputs[at]}n);`,
    ...assertions(run, at, lineOf[0]?.get("spot" in run ? run.spot : {})),
  ]);
  return `// SPDX-License-Identifier: MIT
// Found by \`rex-test fuzz --seed ${origin.seed}\` on the kernel ${origin.kernel}, on ${reproduced} of ${attempts} fresh guests.
// ${keyOf(complaint)}
${comment(complaint.detail)}
//
//     rex-test run ${file}
import { rex, rexTest, u32, u64 } from "rex-test";

const source = rex.program("fuzzed")\`${text}\`;

rexTest(${JSON.stringify(keyOf(complaint))}, { timeoutMs: 60_000 }, async (t) => {
  await t.guest.writeFile("/proc/sys/kernel/rex_tick_ms", "10\\n");
  await t.guest.writeFile("/proc/sys/kernel/rex_timeout_ms", "100\\n");
  await t.guest.measureStacks();
  const program = await t.load(source);
  for (const { name } of program.programs) await program.attach({ name });
  const out = program.map("OUT", { key: u32, value: u64 });
  let run: Awaited<ReturnType<typeof t.guest.syscall>>;
${runs.join("\n")}
${mapAssertions(trial.prediction.maps)}
  for (const { stackUsedBytes, stackBoundBytes = Infinity } of await t.guest.programs())
    t.expect(stackUsedBytes).toBeLessThanOrEqual(stackBoundBytes);
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
`;
}

function assertions(run: RunPrediction, at: number, line: number | undefined): string[] {
  const returned = `  t.expect(await out.get(${at})).toBe(${run.kind === "returns" ? run.value : 0}n);`;
  return ['  t.expect(run).toReturn("ESRCH");', ...ending(run, line), returned];
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
    case "overflow":
      return ["  t.expect(run).toOverflowStack({});"];
  }
}

const ofRange = /^range (?:start|end) index|^slice index starts/;

function released(kinds: readonly string[]): string {
  return `  t.expect(run.exits[0]?.released).toEqual(${JSON.stringify(kinds)});`;
}

function mapAssertions(maps: Finding["trial"]["prediction"]["maps"]): string {
  if (maps === undefined) return "";
  const pairs = (map: ReadonlyMap<number, bigint>) =>
    [...map].sort(([a], [b]) => a - b).map(([key, value]) => `[${key}, ${value}n]`);
  const sorted = (name: string, filter: string) =>
    `(await program.map("${name}", { key: u32, value: u64 }).entries())${filter}.toSorted(([a], [b]) => a - b)`;
  return [
    `  t.expect(${sorted("ARRAY", ".filter(([, value]) => value !== 0n)")}).toEqual([${pairs(maps.array).join(", ")}]);`,
    `  t.expect(${sorted("HASH", "")}).toEqual([${pairs(maps.hash).join(", ")}]);`,
  ].join("\n");
}

function comment(text: string): string {
  return text
    .split("\n")
    .slice(0, 40)
    .map((line) => `// ${line}`.trimEnd())
    .join("\n");
}
