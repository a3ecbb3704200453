// SPDX-License-Identifier: MIT
// A schedule as a part of the spec of a finding.
import { insideName } from "../model/files.ts";
import { deeds, type Schedule, type Visitor } from "../model/schedule.ts";
import { faultOptions, faultSettings } from "./pressure.ts";
import { clockTarget, controls, deedsAtMost, lookupOffsets, noJumps, visitorsText } from "./visitors.ts";

/** Parts of a spec, each a few lines. */
export interface ScheduleText {
  readonly source: string;
  readonly begin: string;
  /** Around an expression that gives a run. */
  run(expression: string, endsByTime: boolean, link?: LinkText): string;
  readonly end: string;
}

/** The link that a program runs by: its variable, how it is attached again, and the program's name. */
export interface LinkText {
  readonly variable: string;
  readonly attach: string;
  readonly program?: string;
}

const nothing: ScheduleText = {
  source: "",
  begin: "",
  run: (expression) => `  run = await ${expression};`,
  end: "",
};

export function scheduleText(
  schedule: Schedule | undefined,
  on: { readonly cpus: number; readonly isAttached: boolean },
): ScheduleText {
  if (schedule === undefined) return nothing;
  const { visitors } = schedule;
  const neighbour = schedule.neighbour && on.cpus > 1;
  const has = (kind: Visitor["kind"]) => visitors.some((visitor) => visitor.kind === kind);
  const detaches = has("detach") && on.isAttached;
  const run = (expression: string, endsByTime: boolean, link: LinkText = theOnlyLink) => {
    if (detaches && endsByTime) return detachedRun(expression, link);
    return `  run = own(await meanwhile(() => ${expression}));`;
  };
  return {
    source: `
// What goes on meanwhile.
const visitorsSource = rex.program("visitors")\`${visitorsText}\`;

/** Without what others did. */
function own<T extends { exits: readonly { object: string; prog: string }[] }>(run: T): T {
  return Object.defineProperty(run, "exits", { value: run.exits.filter(({ object, prog }) => object === "fuzzed" && prog !== "${insideName}") });
}
`,
    begin: [
      "  const visitors = await t.load(visitorsSource);",
      '  const control = visitors.map("CONTROL", { key: u32, value: u64 });',
      ...visitors.flatMap((visitor) => attach(visitor, on.cpus)),
      ...visitors.flatMap((visitor) => (visitor.kind === "memory" ? [shortage(visitor.percent)] : [])),
      meanwhile({ reloads: has("reload"), neighbour, lacksMemory: has("memory") }),
    ].join("\n"),
    run,
    end: `${neighbour ? '  t.expect((await visitors.stats("passer")).runs).toBe(neighbours);\n' : ""}  await visitors.unload();\n  await t.guest.exits(); // those of the visitors are as they should be`,
  };
}

function attach(visitor: Visitor, cpus: number): string[] {
  if (!("deed" in visitor)) return [];
  const { kind, deed } = visitor;
  const at = controls[kind];
  const targets =
    visitor.kind === "clock"
      ? [clockTarget(visitor, cpus)]
      : lookupOffsets.map((offset) => ({ kind: "kprobe", symbol: "htab_map_lookup_elem", offset }) as const);
  const calls = targets.map(
    (target) => `visitors.attach({ name: "${kind}", target: ${JSON.stringify(target)} })`,
  );
  const [file, value] = noJumps;
  return [
    ...(kind === "lookup" ? [`  await t.guest.writeFile("${file}", "${value}");`] : []),
    `  await ${calls[0]}${calls[1] === undefined ? "" : `.catch(() => ${calls[1]})`};`,
    `  await control.set(${at}, ${deeds.indexOf(deed)}n);`,
  ];
}

/** As pressure.ts. */
function shortage(percent: number): string {
  const settings = Object.entries(faultSettings).flatMap(([fault, values]) =>
    Object.entries(values).map(([name, value]) => `["${fault}/${name}", "${value}"]`),
  );
  return `  const canFail = ${JSON.stringify(faultOptions)}.every((option) => t.kernel.config.has(option));
  for (const [file, value] of canFail ? [${settings.join(", ")}] : [])
    await t.guest.writeFile(\`/sys/kernel/debug/\${file}\`, value ?? "");
  const runShort = async (percent: number) => {
    for (const fault of canFail ? ${JSON.stringify(Object.keys(faultSettings))} : [])
      await t.guest.writeFile(\`/sys/kernel/debug/\${fault}/probability\`, String(percent));
  };
  const short = async <T>(act: () => Promise<T>): Promise<T> => {
    await runShort(${percent});
    const result = await act().catch(() => undefined); // refused for want of memory
    await runShort(0);
    return result ?? await act();
  };`;
}

function meanwhile(on: {
  readonly reloads: boolean;
  readonly neighbour: boolean;
  readonly lacksMemory: boolean;
}): string {
  const { reloads, neighbour, lacksMemory } = on;
  const lines = [
    "  const meanwhile = async <T>(act: () => Promise<T>): Promise<T> => {",
    `    for (const at of [${Object.values(controls).join(", ")}]) await control.set(at + 1, ${deedsAtMost}n);`,
    `    const running = ${lacksMemory ? "short(act)" : "act()"};`,
  ];
  if (neighbour) lines.unshift('  await visitors.attach({ name: "passer" });', "  let neighbours = 0;");
  if (neighbour)
    lines.push(
      "    neighbours += 40;",
      '    const others = t.guest.syscall("sched_get_priority_min", 999, { cpu: 1, repeat: 40 });',
    );
  if (reloads)
    lines.push(
      "    const comeAndGo = async () => {",
      "      await using passer = await t.load(visitorsSource);",
      '      await passer.attach({ name: "passer" });',
      "    };",
      `    for (let times = 0; times < 5; times += 1) await comeAndGo()${lacksMemory ? ".catch(() => undefined)" : ""};`,
    );
  lines.push(`    ${neighbour ? "await others;" : ""}`, "    return await running;", "  };");
  return lines.filter((line) => line.trim() !== "").join("\n");
}

const theOnlyLink: LinkText = { variable: "link", attach: "program.attach()" };

/** The program's link goes while it runs. */
function detachedRun(expression: string, { variable, attach, program }: LinkText): string {
  const isIt = program === undefined ? "" : ` && name === "${program}"`;
  const parts = program === undefined ? "{ object }" : "{ object, name }";
  return `  {
    const runs = async () => (await t.guest.programs()).find((${parts}) => object === "fuzzed"${isIt})?.runs ?? 0;
    const before = await runs();
    let isOver = false;
    const running = meanwhile(() => ${expression}).finally(() => { isOver = true; });
    while (!isOver && (await runs()) === before) await t.guest.ping();
    await ${variable}.detach();
    run = own(await running);
    ${variable} = await ${attach};
  }`;
}
