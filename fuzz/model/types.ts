// SPDX-License-Identifier: MIT
// The types of generated programs: what Rust calls them, and what their integers can hold.

export const intNames = ["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "u128", "i128"] as const;
export type IntName = (typeof intNames)[number];

export type Type =
  | { readonly kind: "int"; readonly int: IntName }
  | { readonly kind: "bool" }
  | { readonly kind: "array"; readonly of: IntName; readonly length: number }
  /** `id` is an index into the program's structs. */
  | { readonly kind: "struct"; readonly id: number }
  /** `id` is an index into the program's enums. */
  | { readonly kind: "enum"; readonly id: number };

export type IntType = Extract<Type, { kind: "int" }>;
export type ArrayType = Extract<Type, { kind: "array" }>;

export const bool: Type = { kind: "bool" };

export function int(name: IntName): IntType {
  return { kind: "int", int: name };
}

export function isSigned(name: IntName): boolean {
  return name.startsWith("i");
}

export function bitsOf(name: IntName): number {
  return Number(name.slice(1));
}

export function minOf(name: IntName): bigint {
  return isSigned(name) ? -(1n << BigInt(bitsOf(name) - 1)) : 0n;
}

export function maxOf(name: IntName): bigint {
  return (1n << BigInt(bitsOf(name) - (isSigned(name) ? 1 : 0))) - 1n;
}

export function fits(name: IntName, value: bigint): boolean {
  return value >= minOf(name) && value <= maxOf(name);
}

/** What remains of a number in so many bits: two's complement, as `as` casts. */
export function wrap(name: IntName, value: bigint): bigint {
  const bits = bitsOf(name);
  return isSigned(name) ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

export function sameType(a: Type, b: Type): boolean {
  switch (a.kind) {
    case "int":
      return b.kind === "int" && a.int === b.int;
    case "bool":
      return b.kind === "bool";
    case "array":
      return b.kind === "array" && a.of === b.of && a.length === b.length;
    case "struct":
    case "enum":
      return b.kind === a.kind && a.id === b.id;
  }
}

/** As Rust writes it. */
export function typeText(type: Type): string {
  switch (type.kind) {
    case "int":
      return type.int;
    case "bool":
      return "bool";
    case "array":
      return `[${type.of}; ${type.length}]`;
    case "struct":
      return `Struct${type.id}`;
    case "enum":
      return `Enum${type.id}`;
  }
}
