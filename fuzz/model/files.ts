// SPDX-License-Identifier: MIT
// Many programs as one main.rs: for the guest, where a kprobe runs the one that its caller names, and for the host, as a second opinion.
import type { Program } from "./ast.ts";
import { needsStackCheck } from "./facts.ts";
import { printModule, type Spot } from "./print.ts";

export interface PrintedFile {
  readonly text: string;
  /** For each program. */
  readonly lineOf: readonly ReadonlyMap<Spot, number>[];
}

/** Keys that a program has of each map. */
export const keysPerProgram = 8;
/** Runs whose results are kept, for each program. */
export const runsPerProgram = 2;

/**
 * The two entries of an object and where they attach: programs of which the most stack can be computed, and those that check at run time. Each
 * of these calls fails with the first argument that it is given, and nobody else makes them.
 */
export const entries = {
  bounded: { symbol: "__x64_sys_getpgid", syscall: "getpgid" },
  checked: { symbol: "__x64_sys_getsid", syscall: "getsid" },
} as const;
export type EntryName = keyof typeof entries;

export function entryOf(program: Program): EntryName {
  return needsStackCheck(program) ? "checked" : "bounded";
}

export function printForGuest(programs: readonly Program[]): PrintedFile {
  const { lines, lineOf } = printModules(programs, guestHead(programs.length));
  for (const [name, { symbol }] of Object.entries(entries)) {
    const arms = programs.flatMap((program, index) =>
      entryOf(program) === name ? [`    ${index} => p${index}::body(args[3]),`] : [],
    );
    if (arms.length === 0) continue;
    lines.push(
      `#[rex_kprobe(function = "${symbol}")]`,
      `fn ${name}(_: &kprobe, ctx: &mut PtRegs) -> Result {`,
      "  let args = ctx.syscall_regs()?.args();",
      "  let value = match args[1] {",
      ...arms,
      "    _ => return Ok(0),",
      "  };",
      "  OUT.insert(&(args[2] as u32), &value)",
      "}",
    );
  }
  return { text: `${lines.join("\n")}\n`, lineOf };
}

/** Prints a line of JSON for each run, and one with the maps. `inputs` has a list for each program. */
export function printForHost(
  programs: readonly Program[],
  inputs: readonly (readonly bigint[])[],
): PrintedFile {
  const { lines, lineOf } = printModules(programs, hostHead);
  lines.push("fn main() {", "  std::thread::Builder::new().stack_size(256 << 20).spawn(|| {");
  programs.forEach((_, index) => {
    for (const input of inputs[index] ?? []) lines.push(`    run(${index}, || p${index}::body(${input}));`);
  });
  lines.push("    dump();", "  }).unwrap().join().unwrap();", "}");
  return { text: `${lines.join("\n")}\n`, lineOf };
}

function printModules(
  programs: readonly Program[],
  head: readonly string[],
): { readonly lines: string[]; readonly lineOf: readonly ReadonlyMap<Spot, number>[] } {
  const lines = [...head];
  const lineOf = programs.map((program, index) => {
    const printed = printModule(program, index, lines.length + 1);
    lines.push(...printed.lines);
    return printed.lineOf;
  });
  return { lines, lineOf };
}

const common = [
  "#![allow(warnings, arithmetic_overflow, unconditional_panic, unconditional_recursion, overflowing_literals)]",
  "trait Op { fn apply(&self, x: u64) -> u64; }",
  "#[inline(never)] fn twice<F: Fn(u64) -> u64>(f: F, x: u64) -> u64 { f(f(x)) }",
  "#[inline(never)] fn through(f: &dyn Fn(u64) -> u64, x: u64) -> u64 { f(x) }",
  `fn key_of(p: u32, key: u32) -> u32 { p * ${keysPerProgram} + key % ${keysPerProgram} }`,
] as const;

function guestHead(count: number): readonly string[] {
  const keys = count * keysPerProgram;
  return [
    "#![no_std]",
    "#![no_main]",
    ...common,
    "extern crate rex;",
    "use core::hint::black_box;",
    "use rex::kprobe::kprobe;",
    "use rex::map::*;",
    "use rex::pt_regs::PtRegs;",
    "use rex::task_struct::OwnedTaskStruct;",
    "use rex::{Result, rex_kprobe, rex_map};",
    `#[rex_map] static OUT: RexArrayMap<u64> = RexArrayMap::new(${count * runsPerProgram}, 0);`,
    `#[rex_map] static ARRAY: RexArrayMap<u64> = RexArrayMap::new(${keys}, 0);`,
    `#[rex_map] static HASH: RexHashMap<u32, u64> = RexHashMap::new(${keys}, 0);`,
    "#[rex_map] static RECORDS: RexRingBuf = RexRingBuf::new(1048576, 0);",
    "fn array_get(p: u32, key: u32) -> u64 { ARRAY.get(&key_of(p, key)).unwrap_or(0) }",
    "fn array_set(p: u32, key: u32, value: u64) { let _ = ARRAY.insert(&key_of(p, key), &value); }",
    "fn array_add(p: u32, key: u32, value: u64) { if let Some(mut old) = ARRAY.get_mut(&key_of(p, key)) { old.fetch_add(value); } }",
    "fn hash_get(p: u32, key: u32) -> u64 { HASH.get(&key_of(p, key)).unwrap_or(0) }",
    "fn hash_set(p: u32, key: u32, value: u64) { let _ = HASH.insert(&key_of(p, key), &value); }",
    "fn hash_delete(p: u32, key: u32) { let _ = HASH.delete(&key_of(p, key)); }",
    "fn hold_task() -> Option<OwnedTaskStruct> { OwnedTaskStruct::from_pid(1) }",
    "fn hold_record() -> Option<RexRingBufEntry> { RECORDS.reserve(16) }",
    "fn unwinding() -> bool { false }",
    "struct Bomb(u64);",
    'impl core::fmt::Display for Bomb { fn fmt(&self, _: &mut core::fmt::Formatter<\'_>) -> core::fmt::Result { panic!("bomb {}", self.0) } }',
    'fn bomb(value: u64) -> ! { panic!("before {}", Bomb(value)) }',
    "fn spin_empty(_: u32) -> ! { loop {} }",
    "fn spin_counting(_: u32) -> ! { let mut n = 0u64; loop { n = black_box(n.wrapping_add(1)); } }",
    "fn spin_helper(p: u32) -> ! { loop { black_box(array_get(p, 0)); } }",
  ];
}

/** What the host can't do, it ends with a panic whose payload says what would have happened. */
const hostHead: readonly string[] = [
  ...common,
  "use std::{cell::RefCell, collections::BTreeMap, hint::black_box, panic::{AssertUnwindSafe, catch_unwind, panic_any}};",
  "thread_local! { static ARRAY: RefCell<BTreeMap<u32, u64>> = Default::default(); static HASH: RefCell<BTreeMap<u32, u64>> = Default::default(); static LAST: RefCell<(u32, String)> = Default::default(); }",
  "fn array_get(p: u32, key: u32) -> u64 { ARRAY.with_borrow(|map| map.get(&key_of(p, key)).copied().unwrap_or(0)) }",
  "fn array_set(p: u32, key: u32, value: u64) { ARRAY.with_borrow_mut(|map| { map.insert(key_of(p, key), value); }) }",
  "fn array_add(p: u32, key: u32, value: u64) { array_set(p, key, array_get(p, key).wrapping_add(value)) }",
  "fn hash_get(p: u32, key: u32) -> u64 { HASH.with_borrow(|map| map.get(&key_of(p, key)).copied().unwrap_or(0)) }",
  "fn hash_set(p: u32, key: u32, value: u64) { HASH.with_borrow_mut(|map| { map.insert(key_of(p, key), value); }) }",
  "fn hash_delete(p: u32, key: u32) { HASH.with_borrow_mut(|map| { map.remove(&key_of(p, key)); }) }",
  "fn hold_task() {}",
  "fn hold_record() {}",
  "fn unwinding() -> bool { std::thread::panicking() }",
  'fn bomb(_: u64) -> ! { panic_any("nested") }',
  'fn spin_empty(_: u32) -> ! { panic_any("timeout") }',
  'fn spin_counting(_: u32) -> ! { panic_any("timeout") }',
  'fn spin_helper(_: u32) -> ! { panic_any("timeout") }',
  "fn run(program: u32, body: impl FnOnce() -> u64) {",
  '  std::panic::set_hook(Box::new(|info| { let line = info.location().map_or(0, |at| if at.file().ends_with("main.rs") { at.line() } else { 0 }); LAST.set((line, info.payload_as_str().unwrap_or_default().to_owned())); }));',
  "  match catch_unwind(AssertUnwindSafe(body)) {",
  '    Ok(value) => println!("{{\\"program\\":{program},\\"value\\":\\"{value}\\"}}"),',
  '    Err(_) => { let (line, message) = LAST.take(); println!("{{\\"program\\":{program},\\"line\\":{line},\\"message\\":{message:?}}}") }',
  "  }",
  "}",
  'fn dump() { println!("{{\\"array\\":{:?},\\"hash\\":{:?}}}", pairs(ARRAY.take()), pairs(HASH.take())) }',
  'fn pairs(map: BTreeMap<u32, u64>) -> Vec<(String)> { map.into_iter().map(|(key, value)| format!("{key} {value}")).collect() }',
];
