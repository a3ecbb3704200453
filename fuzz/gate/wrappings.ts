// SPDX-License-Identifier: MIT
// What a core is hidden in. None of it is forbidden: around something harmless, a program with it is accepted.
import type { Draw } from "../model/generate/draw.ts";
import type { Piece } from "./piece.ts";
import { stumblingTokens } from "./tokens.ts";

export interface Wrapping {
  readonly name: string;
  /** Whether what is in it gets into the object. */
  readonly keeps: boolean;
  /** `id` is its own, for the names that it makes. */
  wrap(piece: Piece, id: string, draw: Draw): Piece;
}

function around(
  name: string,
  make: (piece: Piece, id: string) => { readonly items?: string; readonly value: string },
): Wrapping {
  const wrap = (piece: Piece, id: string) => ({
    attributes: piece.attributes,
    items: "",
    ...make(piece, id),
  });
  return { name, keeps: true, wrap };
}

const block = ({ items, value }: Piece) => `{ ${items} ${value} }`;
/** The body of a macro can't define another one that has parameters. */
const hasParameters = ({ items, value }: Piece) => `${items}${value}`.includes("$");

const places: readonly Wrapping[] = [
  around("a function", (piece, id) => ({ items: `fn f${id}() -> u64 ${block(piece)}`, value: `f${id}()` })),
  around("a block", (piece) => ({ value: block(piece) })),
  around("a closure", (piece) => ({ value: `(|| ${block(piece)})()` })),
  around("a module", ({ items, value }, id) => ({
    items: `mod m${id} { ${items} pub fn value() -> u64 { ${value} } }`,
    value: `m${id}::value()`,
  })),
  around("a method", (piece, id) => ({
    items: `struct S${id}; impl S${id} { fn value(&self) -> u64 ${block(piece)} }`,
    value: `S${id}.value()`,
  })),
  around("a trait's default method", (piece, id) => ({
    items: `trait T${id} { fn value(&self) -> u64 ${block(piece)} } impl T${id} for u8 {}`,
    value: `T${id}::value(&0u8)`,
  })),
  around("a method behind a vtable", (piece, id) => ({
    items: `trait T${id} { fn value(&self) -> u64; } impl T${id} for u8 { fn value(&self) -> u64 ${block(piece)} }`,
    value: `{ let object: &dyn T${id} = core::hint::black_box(&0u8); object.value() }`,
  })),
  around("a generic function", (piece, id) => ({
    items: `fn g${id}<T: Copy + Into<u64>>(_: T) -> u64 ${block(piece)}`,
    value: `g${id}(0u32)`,
  })),
  around("a destructor", (piece, id) => ({
    items: `struct D${id}<'a>(&'a core::cell::Cell<u64>); impl Drop for D${id}<'_> { fn drop(&mut self) { self.0.set(${block(piece)}) } }`,
    value: `{ let cell = core::cell::Cell::new(0u64); drop(D${id}(&cell)); cell.get() }`,
  })),
  around("a match", (piece) => ({
    value: `match core::hint::black_box(1u8) { 1 => ${block(piece)}, _ => 0 }`,
  })),
  around("a constant function pointer", (piece, id) => ({
    items: `fn p${id}() -> u64 ${block(piece)} static P${id}: fn() -> u64 = p${id};`,
    value: `core::hint::black_box(P${id})()`,
  })),
  around("what is called machine-made", (piece, id) => ({
    items: `struct A${id}; #[automatically_derived] impl A${id} { fn value(&self) -> u64 ${block(piece)} }`,
    value: `A${id}.value()`,
  })),
];

const macros: readonly Wrapping[] = [
  around("a macro", (piece, id) => {
    if (hasParameters(piece)) return { value: block(piece) };
    const { items, value } = piece;
    return {
      items: `macro_rules! v${id} { () => { ${value} } } macro_rules! i${id} { () => { ${items} } } i${id}! {}`,
      value: `v${id}!()`,
    };
  }),
  around("a macro's argument", ({ items, value }, id) => ({
    items: `macro_rules! a${id} { ($($t:tt)*) => { $($t)* } } a${id}! { ${items} }`,
    value: `a${id}! { ${value} }`,
  })),
  around("a macro that takes its argument apart", ({ items, value }, id) => ({
    items: `macro_rules! t${id} {
      (@ [$($o:tt)*]) => { $($o)* };
      (@ [$($o:tt)*] $h:tt $($r:tt)*) => { t${id}! { @ [$($o)* $h] $($r)* } };
      ($($t:tt)*) => { t${id}! { @ [] $($t)* } };
    }
    t${id}! { ${items} }`,
    value: `t${id}! { ${value} }`,
  })),
  around("a macro's expression", ({ items, value }, id) => ({
    items: `macro_rules! e${id} { ($e:expr) => { $e } } ${items}`,
    value: `e${id}!({ ${value} })`,
  })),
  around("a macro that makes a macro", ({ items, value }, id) => ({
    items: `macro_rules! o${id} { ($n:ident $d:tt) => { macro_rules! $n { ($d($d t:tt)*) => { $d($d t)* } } } } o${id}! { n${id} $ } n${id}! { ${items} }`,
    value: `n${id}! { ${value} }`,
  })),
];

/** What is known when the program is built, and that the tools which look at it may know otherwise. */
const configurations: readonly (readonly [predicate: string, keeps: boolean])[] = [
  ["all()", true],
  ["not(test)", true],
  ["not(doc)", true],
  ["not(miri)", true],
  ["not(doctest)", true],
  ["not(rust_analyzer)", true],
  ["not(rustfmt)", true],
  ['panic = "abort"', true],
  ['target_arch = "x86_64"', true],
  ['not(feature = "std")', true],
  ["not(clippy)", false],
  ["clippy", false],
  ["any(not(clippy), clippy)", true],
  ["debug_assertions", false],
  ["not(debug_assertions)", false],
  ["any()", false],
];

const conditions: readonly Wrapping[] = configurations.flatMap(([predicate, keeps]) => [
  {
    ...around(`cfg(${predicate})`, (piece, id) => ({
      items: `#[cfg(${predicate})] fn c${id}() -> u64 ${block(piece)} #[cfg(not(${predicate}))] fn c${id}() -> u64 { 0 }`,
      value: `c${id}()`,
    })),
    keeps,
  },
  {
    ...around(`cfg_attr(…, cfg(${predicate}))`, (piece, id) => ({
      items: `#[cfg_attr(all(), cfg(${predicate}))] fn c${id}() -> u64 ${block(piece)} #[cfg_attr(all(), cfg(not(${predicate})))] fn c${id}() -> u64 { 0 }`,
      value: `c${id}()`,
    })),
    keeps,
  },
]);

/** Attributes that say something about the code behind them, none of it a right. */
const attributes: readonly Wrapping[] = [
  "#[inline(never)]",
  "#[inline(always)]",
  "#[cold]",
  "#[track_caller]",
  "#[doc(hidden)]",
  '#[doc = "unsafe"]',
  "#[allow(clippy::needless_return)]",
  "#[must_use]",
  "#[rustfmt::skip]",
  "#[deprecated]",
  "#[expect(clippy::unwrap_used)]",
].map((attribute) =>
  around(attribute, (piece, id) => ({
    items: `${attribute} fn b${id}() -> u64 ${block(piece)}`,
    value: `b${id}()`,
  })),
);

/** The core is there for the reader only. */
const texts: readonly Wrapping[] = [
  text("a string", (code) => `const _: &str = ${stringOf(code)};`),
  text("a raw string", (code, hashes) => `const _: &str = r${hashes}"${code}"${hashes};`),
  text("a comment", (code) => `/* ${code.replaceAll("*", "+")} */`),
  text("a document", (code, hashes) => `#[doc = r${hashes}"${code}"${hashes}] const _: () = ();`),
];

function text(name: string, make: (code: string, hashes: string) => string): Wrapping {
  const made = around(name, (piece, id) => ({
    // More than there are in it.
    items: make(block(piece), "#".repeat(4 + Number(id))),
    value: "0u64",
  }));
  return { ...made, keeps: false };
}

function stringOf(code: string): string {
  const escaped = (char: string) => `\\u{${char.codePointAt(0)?.toString(16)}}`;
  return `"${code.replaceAll(/["\\\r\u200e]/g, escaped)}"`;
}

/** Tokens before a core at which who looks for words may stumble. */
const stumbling: Wrapping = {
  name: "behind odd tokens",
  keeps: true,
  wrap: ({ attributes, items, value }, id, draw) => ({
    attributes,
    items: `macro_rules! eat${id} { ($($t:tt)*) => {} } eat${id}! { ${stumblingTokens(draw)} } ${items}`,
    value,
  }),
};

export const wrappings: readonly Wrapping[] = [
  ...places,
  ...macros,
  ...conditions,
  ...attributes,
  ...texts,
  stumbling,
  stumbling,
  stumbling,
];
