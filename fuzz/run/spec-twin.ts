// SPDX-License-Identifier: MIT
// The spec of a finding that is about a program and a variant of it: both are run, and have to do the same.
import type { Program } from "../model/ast.ts";
import { type EntryName, entries, entryOf, printForGuest } from "../model/files.ts";
import { keysPerProgram, recordHeadBytes, runsPerProgram } from "../model/helpers.ts";
import { testRunInput } from "../model/test-runs.ts";

/** The source of both, and statements that compare them. */
export interface TwinText {
  readonly source: string;
  readonly body: string;
}

export function twinText(program: Program, twin: Program, inputs: readonly bigint[]): TwinText {
  const both = [program, twin];
  const { headBytes } = testRunInput(entryOf(program), 0, 0, 0n);
  const { text } = printForGuest(both);
  const calls = both.map((one, index) =>
    inputs.map((input, at) => callText(one, index, index * runsPerProgram + at, input)),
  );
  const attached = [...new Set(both.map(entryOf))].filter((name) => entries[name] !== undefined);
  const maps = ["ARRAY", "HASH", "ACCOUNTS", "VAULT"].filter((map) => text.includes(`static ${map}:`));
  const records = text.includes("static RECORDS:")
    ? `(await program.ringBuffer("RECORDS").read()).records.map((record) => Buffer.from(record).subarray(${recordHeadBytes}).toString("hex"))`
    : "[]";
  return {
    source: text,
    body: `${attached.map((name) => `  await program.attach({ name: "${name}" });`).join("\n")}
  const out = program.map("OUT", { key: u32, value: u64 });
  const does = async (index: number, calls: readonly (() => Promise<Run | TestRun>)[]) => {
    const runs: unknown[] = [];
    for (const [at, call] of calls.entries()) {
      const run = await call();
      const exits = run.exits.map(({ reason, message, released }) => ({ reason, message, released }));
      const hook = "retval" in run ? [run.retval, Buffer.from(run.data).subarray(${headBytes}).toString("hex")] : [run.errnoName];
      runs.push({ exits, hook, value: await out.get(${runsPerProgram} * index + at) });
    }
    const maps: unknown[] = [];
    for (const name of ${JSON.stringify(maps)}) {
      const all = (await program.map(name).entries()).map(([key, value]) => [Buffer.from(key).readUInt32LE(0), Buffer.from(value).toString("hex")] as const);
      const own = all.filter(([key]) => Math.floor(key / ${keysPerProgram}) === index);
      maps.push(own.map(([key, value]) => [key % ${keysPerProgram}, value] as const).toSorted(([a], [b]) => a - b));
    }
    const records: readonly string[] = ${records};
    await t.guest.exits(); // seen
    return { runs, maps, records };
  };
  const program0 = await does(0, [${calls[0]?.join(", ")}]);
  t.expect(await does(1, [${calls[1]?.join(", ")}])).toEqual(program0);`,
  };
}

function callText(program: Program, index: number, slot: number, input: bigint): string {
  const name = entryOf(program);
  const entry = entries[name];
  if (entry !== undefined)
    return `() => t.guest.syscall("${entry.syscall}", 99999999, ${index}, ${slot}, ${input}n)`;
  return `() => ${packetRun(name, index, slot, input)}`;
}

/** A test run on the packet of an input. */
export function packetRun(name: EntryName, index: number, slot: number, input: bigint): string {
  const { data, context } = testRunInput(name, index, slot, input);
  const bytes = (of: Buffer) => `Buffer.from("${of.toString("hex")}", "hex")`;
  return `program.testRun({ name: "${name}", data: ${bytes(data)}, context: ${bytes(context)} })`;
}
