// SPDX-License-Identifier: MIT
// Many programs as one main.rs: for the guest, where a kprobe runs the one that its caller names, and for the host, as a second opinion.
import type { Program } from "./ast.ts";
import { needsStackCheck } from "./facts.ts";
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

export function printForGuest(programs: readonly Program[], how = { allocates: false }): PrintedFile {
  const names = Object.keys(entries) as readonly EntryName[];
  const tail = names.flatMap((name) => {
    const own = [...programs.keys()].filter((index) => entryOf(programs[index] as Program) === name);
    return own.length === 0 ? [] : entryLines(name, own);
  });
  return assemble(programs, guestHelpers(programs.length, how), tail);
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
