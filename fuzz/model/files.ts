// SPDX-License-Identifier: MIT
// Many programs as one main.rs: for the guest, where a kprobe runs the one that its caller names, and for the host, as a second opinion.
import type { Program } from "./ast.ts";
import { canNest, needsStackCheck } from "./facts.ts";
import { guestHelpers, type Helper, linesNeeded } from "./helpers.ts";
import { hostHelpers } from "./host-helpers.ts";
import { packetOf } from "./packets.ts";
import { printModule, type Spot } from "./print.ts";

export interface PrintedFile {
  readonly text: string;
  /** For each program. */
  readonly lineOf: readonly ReadonlyMap<Spot, number>[];
  /** So many lines at its beginning are no program's. */
  readonly helperLines: number;
}

/**
 * The entries of an object, and how they are made to run: by a system call, or by a test run on a packet. Each system call fails with the
 * first argument that it is given, and nobody else makes it. Programs of which the most stack can be computed have entries of their own.
 */
export const entries = {
  bounded: { symbol: "__x64_sys_getpgid", syscall: "getpgid" },
  checked: { symbol: "__x64_sys_getsid", syscall: "getsid" },
  xdp_bounded: undefined,
  xdp_checked: undefined,
  tc_bounded: undefined,
  tc_checked: undefined,
} as const;
export type EntryName = keyof typeof entries;

export function entryOf(program: Program): EntryName {
  const how = needsStackCheck(program) ? "checked" : "bounded";
  return program.packet === undefined ? how : `${program.packet}_${how}`;
}

/** Runs a program, if one is to be run, inside of a lookup in a hash map: which, where its result goes, and its input. */
export const insideName = "inside";

/** How objects differ that are run by a schedule. */
export interface Making {
  /** Elements of hash maps are allocated when they are needed. */
  readonly allocates?: boolean;
  /** There is a program that runs others inside of lookups. */
  readonly nests?: boolean;
}

export function printForGuest(
  programs: readonly Program[],
  { allocates = false, nests = false }: Making = {},
): PrintedFile {
  const names = Object.keys(entries) as readonly EntryName[];
  const tail = names.flatMap((name) => {
    const own = [...programs.keys()].filter((index) => entryOf(programs[index] as Program) === name);
    return own.length === 0 ? [] : entryLines(name, own);
  });
  if (nests) tail.push(...insideLines(programs));
  return assemble(programs, guestHelpers(programs.length, { allocates }), tail);
}

function insideLines(programs: readonly Program[]): string[] {
  const indices = [...programs.keys()].filter((index) => canNest(programs[index] as Program));
  return [
    "#[rex::rex_map] static NEST: RexArrayMap<u64> = RexArrayMap::new(1, 0);",
    "#[rex::rex_map] static NESTED: RexArrayMap<[u64; 3]> = RexArrayMap::new(1, 0);",
    '#[rex_kprobe(function = "htab_map_lookup_elem")]',
    `fn ${insideName}(_: &kprobe, _: &mut PtRegs) -> Result {`,
    "  let Some(mut left) = NEST.get_mut(&0) else { return Ok(0) };",
    "  if *left as i64 <= 0 || left.fetch_add(u64::MAX) as i64 <= 0 { return Ok(0) }",
    "  let [what, slot, input] = NESTED.get(&0).unwrap_or([u64::MAX, 0, 0]);",
    "  let value = match what {",
    ...indices.map((index) => `    ${index} => p${index}::body(input),`),
    "    _ => return Ok(0),",
    "  };",
    "  OUT.insert(&(slot as u32), &value)",
    "}",
  ];
}

function entryLines(name: EntryName, indices: readonly number[]): string[] {
  const entry = entries[name];
  const body = (args: string) => indices.map((index) => `    ${index} => p${index}::body(${args}),`);
  if (entry !== undefined)
    return [
      `#[rex_kprobe(function = "${entry.symbol}")]`,
      `fn ${name}(_: &kprobe, ctx: &mut PtRegs) -> Result {`,
      "  let args = ctx.syscall_regs()?.args();",
      "  let value = match args[1] {",
      ...body("args[3]"),
      "    _ => return Ok(0),",
      "  };",
      "  OUT.insert(&(args[2] as u32), &value)",
      "}",
    ];
  // What the program returns is never the verdict of one that does not come to its end.
  const [head, told, verdict] = name.startsWith("xdp")
    ? [
        ["#[rex_xdp]", `fn ${name}(hook: &xdp, ctx: &mut xdp_md) -> Result {`],
        "  let [what, slot, low, high] = *convert_slice_to_struct::<[u32; 4]>(ctx.data_meta());",
        "1 + (value % 4) as i32",
      ]
    : [
        ["#[rex_tc]", `fn ${name}(hook: &sched_cls, ctx: &mut __sk_buff) -> Result {`],
        "  let [what, slot, low, high, _] = *ctx.cb();",
        "(value % 2) as i32",
      ];
  return [
    ...head,
    told,
    "  let value = match what {",
    ...body("u64::from(high) << 32 | u64::from(low), hook, ctx"),
    "    _ => return Ok(7),",
    "  };",
    "  OUT.insert(&slot, &value)?;",
    `  Ok(${verdict})`,
    "}",
  ];
}

/** Prints a line of JSON for each run, and one with what is left behind. `inputs` has a list for each program. */
export function printForHost(
  programs: readonly Program[],
  inputs: readonly (readonly bigint[])[],
): PrintedFile {
  const runs = programs.flatMap((program, index) =>
    (inputs[index] ?? []).map((input) => {
      if (program.packet === undefined) return `    run(${index}, || p${index}::body(${input}));`;
      const packet = `xdp_md { data_slice: vec![${[...packetOf(input, program.packet)].join(", ")}] }`;
      return `    { let mut ctx = ${packet}; run(${index}, || p${index}::body(${input}, &xdp {}, &mut ctx)); packet(&ctx); }`;
    }),
  );
  const head = "  std::thread::Builder::new().stack_size(256 << 20).spawn(|| {";
  const main = ["fn main() {", head, ...runs, "    dump();", "  }).unwrap().join().unwrap();", "}"];
  return assemble(programs, hostHelpers, main);
}

/** The helpers that are needed, the programs, and what runs them. */
function assemble(
  programs: readonly Program[],
  helpers: readonly Helper[],
  tail: readonly string[],
): PrintedFile {
  const modules: string[] = [];
  const linesOf = programs.map((program, index) => {
    const printed = printModule(program, index, modules.length + 1);
    modules.push(...printed.lines);
    return printed.lineOf;
  });
  const head = linesNeeded(helpers, [...modules, ...tail].join("\n"));
  const lineOf = linesOf.map((own) => new Map([...own].map(([spot, line]) => [spot, line + head.length])));
  return { text: `${[...head, ...modules, ...tail].join("\n")}\n`, lineOf, helperLines: head.length };
}
