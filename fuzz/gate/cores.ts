// SPDX-License-Identifier: MIT
// What is smuggled: the smallest program parts that do something no program may. Each leaves a sign in the object if it gets there, so that
// an acceptance that means nothing (the compiler has dropped it) is told from a hole.
import { readFileSync } from "node:fs";
import { marker, markerSign, type Piece, type Sign } from "./piece.ts";

export interface Core {
  readonly name: string;
  readonly piece: Piece;
  readonly sign: Sign;
}

/** A long nop with the marker's upper half in it: an instruction that rex-verify lets pass. */
const nop = "nop dword ptr [rax + 0x5ec3e7c0]";
const nopSign: Sign = { kind: "bytes", bytes: Buffer.from("0f1f80c0e7c35e", "hex") };
const section = ".smuggled";
const symbol = "smuggled_name";
/** A kernel function that the program around a core does not call. */
const jiffies = "rex_jiffies64";
const hostFile = "/etc/passwd";
const hostBytes = 24;

interface Told {
  readonly attributes?: readonly string[];
  readonly items?: string;
  readonly value?: string;
  readonly sign?: Sign;
}

function core(
  name: string,
  { attributes = [], items = "", value = marker, sign = markerSign() }: Told,
): Core {
  return { name, piece: { attributes, items, value }, sign };
}

const named = (name: string): Sign => ({ kind: "name", name });
const fromBytes = "rex::utils::convert_slice_to_struct";

const unsafeCode: readonly Core[] = [
  core("a raw pointer read in an unsafe block", {
    value: `unsafe { core::ptr::read_volatile((${marker}) as *const u64) }`,
  }),
  core("a raw pointer read without one", { value: `*((${marker}) as *const u64)` }),
  core("an unsafe function", {
    items: `unsafe fn hidden() -> u64 { ${marker} }`,
    value: "unsafe { hidden() }",
  }),
  core("an unsafe function called without a word", {
    items: `unsafe fn hidden() -> u64 { ${marker} }`,
    value: "hidden()",
  }),
  core("transmute", {
    items: `fn hidden() -> u64 { ${marker} }`,
    value: "unsafe { core::mem::transmute::<fn() -> u64, u64>(core::hint::black_box(hidden)) ^ hidden() }",
  }),
  core("transmute in a constant", {
    items:
      "const HIDDEN: u64 = unsafe { core::mem::transmute::<[u8; 8], u64>([0x0b, 0xb0, 0x15, 0xde, 0xc0, 0xe7, 0xc3, 0x5e]) };",
    value: "core::hint::black_box(HIDDEN)",
  }),
  core("an unsafe impl", {
    items:
      "struct Shared(core::cell::Cell<u64>); unsafe impl Sync for Shared {} static SHARED: Shared = Shared(core::cell::Cell::new(0));",
    value: `{ SHARED.0.set(${marker}); SHARED.0.get() }`,
  }),
  core("a static without Sync", {
    items: "static SHARED: core::cell::Cell<u64> = core::cell::Cell::new(0);",
    value: `{ SHARED.set(${marker}); SHARED.get() }`,
  }),
  core("a static mut", {
    items: "static mut COUNTER: u64 = 0;",
    value: `unsafe { COUNTER += ${marker}; COUNTER }`,
  }),
  core("a union", {
    items: "union Bits { number: u64, function: fn() -> u64 }",
    value: `unsafe { (Bits { number: ${marker} }.function)() }`,
  }),
  core("a function with SSE", {
    items: `#[target_feature(enable = "sse2")] fn vector() -> u64 { ${marker} }`,
    value: "unsafe { vector() }",
  }),
  core("cpuid", { value: `u64::from(core::arch::x86_64::__cpuid(0).eax) ^ ${marker}` }),
];

const assembly: readonly Core[] = [
  core("asm!", {
    value: `{ let value: u64; unsafe { core::arch::asm!("${nop}", "mov {}, 1", out(reg) value) }; value }`,
    sign: nopSign,
  }),
  core("asm! by another name", {
    items: "use core::arch::asm as plain;",
    value: `{ let value: u64; unsafe { plain!("${nop}", "mov {}, 1", out(reg) value) }; value }`,
    sign: nopSign,
  }),
  core("global_asm!", {
    items: `core::arch::global_asm!(".pushsection .text.hidden,\\"axR\\",@progbits", "${nop}", ".popsection");`,
    sign: nopSign,
  }),
  core("a naked function", {
    items: `#[unsafe(naked)] extern "C" fn assembly() -> u64 { core::arch::naked_asm!("${nop}", "ret") }`,
    value: "assembly()",
    sign: nopSign,
  }),
];

const sectionsAndSymbols: readonly Core[] = [
  core("a section for a static", {
    items: `#[unsafe(link_section = "${section}")] static PLACED: u64 = 1;`,
    value: "*core::hint::black_box(&PLACED)",
    sign: named(section),
  }),
  core("a section for a method", {
    items: `struct Placed; impl Placed { #[unsafe(link_section = "${section}")] #[inline(never)] fn value(&self) -> u64 { ${marker} } }`,
    value: "Placed.value()",
    sign: named(section),
  }),
  core("a section for a method of a trait", {
    items: `trait Value { fn value(&self) -> u64; }
      impl Value for u8 { #[unsafe(link_section = "${section}")] #[inline(never)] fn value(&self) -> u64 { ${marker} } }`,
    value: "Value::value(&0u8)",
    sign: named(section),
  }),
  core("no_mangle", {
    items: `#[unsafe(no_mangle)] #[inline(never)] pub extern "C" fn ${symbol}() -> u64 { ${marker} }`,
    value: `${symbol}()`,
    sign: named(symbol),
  }),
  core("no_mangle on a method", {
    items: `struct Named; impl Named { #[unsafe(no_mangle)] #[inline(never)] pub fn ${symbol}(&self) -> u64 { ${marker} } }`,
    value: `Named.${symbol}()`,
    sign: named(symbol),
  }),
  core("export_name", {
    items: `#[unsafe(export_name = "${symbol}")] #[inline(never)] pub extern "C" fn hidden() -> u64 { ${marker} }`,
    value: "hidden()",
    sign: named(symbol),
  }),
  core("a kernel function in an extern block", {
    items: `unsafe extern "C" { safe fn ${jiffies}() -> u64; }`,
    value: `${jiffies}()`,
    sign: named(jiffies),
  }),
  core("a kernel function in an extern block of the old kind", {
    items: `extern "C" { fn ${jiffies}() -> u64; }`,
    value: `unsafe { ${jiffies}() }`,
    sign: named(jiffies),
  }),
  core("a kernel function by link_name", {
    items: `unsafe extern "C" { #[link_name = "${jiffies}"] safe fn hidden() -> u64; }`,
    value: "hidden()",
    sign: named(jiffies),
  }),
  core("a library to link with", {
    items: `#[link(name = "hidden", kind = "static")] unsafe extern "C" {}`,
  }),
  core("a section by a language feature", {
    attributes: ["#![feature(linkage)]"],
    items: `#[linkage = "weak"] #[inline(never)] fn hidden() -> u64 { ${marker} }`,
    value: "hidden()",
  }),
];

const featuresAndCrates: readonly Core[] = [
  core("an intrinsic", {
    attributes: ["#![feature(core_intrinsics)]", "#![allow(internal_features)]"],
    value: `core::intrinsics::bswap(1u64) ^ ${marker}`,
  }),
  core("thread-local storage", {
    attributes: ["#![feature(thread_local)]"],
    items: "#[thread_local] static OWN: core::cell::Cell<u64> = core::cell::Cell::new(0);",
    value: `{ OWN.set(${marker}); OWN.get() }`,
  }),
  core("a macro with unsafe inside", {
    attributes: ["#![feature(allow_internal_unsafe)]"],
    items: `#[allow_internal_unsafe] macro_rules! inside { () => { unsafe { core::ptr::read_volatile((${marker}) as *const u64) } } }`,
    value: "inside!()",
  }),
  core("alloc", { items: "extern crate alloc;", value: `alloc::vec![${marker}][0]` }),
  core("std", { items: "extern crate std;", value: `u64::from(std::process::id()) ^ ${marker}` }),
  core("a compiler's crate", { items: "extern crate proc_macro;" }),
  core("another panic handler", {
    items: "#[panic_handler] fn handler(_: &core::panic::PanicInfo) -> ! { loop {} }",
  }),
  core("a file of the host", {
    value: `u64::from(core::hint::black_box(include_bytes!("${hostFile}"))[3])`,
    sign: { kind: "bytes", bytes: readFileSync(hostFile).subarray(0, hostBytes) },
  }),
  core("the host's environment", {
    value: `core::hint::black_box(option_env!("PATH").unwrap_or("")).len() as u64 ^ ${marker}`,
  }),
];

const disallowed: readonly Core[] = [
  core("forget", { value: `{ core::mem::forget([1u64]); ${marker} }` }),
  core("forget as a value", { value: `{ [[1u64]].map(core::mem::forget); ${marker} }` }),
  core("forget by another name", {
    items: "use core::mem::forget as keep;",
    value: `{ keep([1u64]); ${marker} }`,
  }),
  core("forget by a pointer", {
    value: `{ let keep: fn([u64; 1]) = core::mem::forget; core::hint::black_box(keep)([1]); ${marker} }`,
  }),
  core("forget in a trait of all types", {
    items:
      "trait Keep: Sized { fn keep(self); } impl<T> Keep for T { fn keep(self) { core::mem::forget(self) } }",
    value: `{ Keep::keep([1u64]); ${marker} }`,
  }),
  core("ManuallyDrop", {
    value: `*core::mem::ManuallyDrop::new(${marker})`,
  }),
  core("ManuallyDrop by inference", {
    items: `struct Kept(core::mem::ManuallyDrop<u64>); impl Kept { fn get(self) -> u64 { *self.0 } }`,
    value: `Kept(core::mem::ManuallyDrop::new(${marker})).get()`,
  }),
  core("MaybeUninit", {
    value: `*core::mem::MaybeUninit::<u64>::uninit().write(${marker})`,
  }),
  core("TypeId", {
    value: `u64::from(core::any::TypeId::of::<u8>() == core::any::TypeId::of::<u16>()) ^ ${marker}`,
  }),
];

const insideRex: readonly Core[] = [
  core("bytes as a function", {
    value: `{ let bytes = (${marker}).to_le_bytes(); (${fromBytes}::<fn() -> u64>(&bytes))() }`,
  }),
  core("bytes as a bool", {
    value: `{ let bytes = (${marker}).to_le_bytes(); u64::from(*${fromBytes}::<bool>(&bytes[..1])) }`,
  }),
  core("bytes as a structure with a reference", {
    items: "#[repr(C)] #[derive(Clone, Copy)] struct Pointing { to: &'static u64 }",
    value: `{ let bytes = (${marker}).to_le_bytes(); *${fromBytes}::<Pointing>(&bytes).to }`,
  }),
  core("rex's own imports", {
    value: "rex::ffi::rex_jiffies64()",
    sign: named(jiffies),
  }),
  core("an entry point of another shape", {
    items: `fn other() -> u64 { ${marker} } rex::__rex_entry! { kprobe other "hidden" }`,
    value: "other()",
  }),
  core("a record of no map", {
    items: `static NUMBER: u64 = 1; rex::__rex_map! { NUMBER, u64, 1 }`,
  }),
  core("a path of no field as a lock", {
    items: `#[rex::rex_map(lock = "0; unsafe {}")] static MAP: rex::map::RexArrayMap<u64> = rex::map::RexArrayMap::new(1, 0);`,
  }),
];

export const cores: readonly Core[] = [
  ...unsafeCode,
  ...assembly,
  ...sectionsAndSymbols,
  ...featuresAndCrates,
  ...disallowed,
  ...insideRex,
];

/** What everybody may do, in the place of a core. */
export const honest: Core = core("nothing", {
  items: `#[inline(never)] fn honest() -> u64 { ${marker} }`,
  value: "honest()",
});
