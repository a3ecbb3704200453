// SPDX-License-Identifier: MIT
// The tree of a generated program. Plain data: it is kept in corpora as JSON, and every node is an object of its own, because the
// printer and the interpreter meet at the nodes: the one knows the line of each, the other at which one a program ends.
import type { HeaderName } from "./headers.ts";
import type { ArrayType, IntName, IntType, Type } from "./types.ts";

export type ArithmeticOp = "+" | "-" | "*" | "/" | "%";
export type BitOp = "&" | "|" | "^";
export type CompareOp = "==" | "!=" | "<" | "<=" | ">" | ">=";
/**
 * What happens to what does not fit: a panic, the low bits, the nearest number, `checked_…(…).unwrap()`, or another value.
 */
export type Overflow = "panic" | "wrap" | "saturate" | "unwrap" | "else";
export type MapKind = "array" | "hash";
/** Maps whose values have a lock: an array, and a hash. */
export type LockedMap = "accounts" | "vault";

/** Bytes in a row. A record and the packet have a name in the program; the packet may be of any length. */
export type ByteSource =
  | { readonly kind: "array"; readonly name: string; readonly length: number }
  | { readonly kind: "record"; readonly name: string }
  | { readonly kind: "packet" };

export type Expr =
  | { readonly kind: "int"; readonly type: IntType; readonly value: string }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "var"; readonly name: string; readonly type: Type }
  | {
      readonly kind: "arithmetic";
      readonly op: ArithmeticOp;
      readonly overflow: Overflow;
      readonly type: IntType;
      readonly left: Expr;
      readonly right: Expr;
    }
  | {
      readonly kind: "bits";
      readonly op: BitOp;
      readonly type: IntType;
      readonly left: Expr;
      readonly right: Expr;
    }
  /** `right` is a u32. */
  | {
      readonly kind: "shift";
      readonly op: "<<" | ">>";
      readonly wraps: boolean;
      readonly type: IntType;
      readonly left: Expr;
      readonly right: Expr;
    }
  | { readonly kind: "negate"; readonly wraps: boolean; readonly type: IntType; readonly value: Expr }
  /** Of integers or bool. */
  | { readonly kind: "not"; readonly type: Type; readonly value: Expr }
  /** From an integer or bool. */
  | { readonly kind: "cast"; readonly type: IntType; readonly value: Expr }
  | { readonly kind: "compare"; readonly op: CompareOp; readonly left: Expr; readonly right: Expr }
  | { readonly kind: "logic"; readonly op: "&&" | "||"; readonly left: Expr; readonly right: Expr }
  | {
      readonly kind: "if";
      readonly type: Type;
      readonly condition: Expr;
      readonly yes: Expr;
      readonly no: Expr;
    }
  /** `index` is of any type of integer, cast to usize. */
  | { readonly kind: "index"; readonly array: string; readonly of: ArrayType; readonly index: Expr }
  | {
      readonly kind: "field";
      readonly value: string;
      readonly struct: number;
      readonly field: number;
      readonly type: IntType;
    }
  | { readonly kind: "array"; readonly type: ArrayType; readonly items: readonly Expr[] }
  | { readonly kind: "repeat"; readonly type: ArrayType; readonly item: Expr }
  | { readonly kind: "struct"; readonly id: number; readonly fields: readonly Expr[] }
  | { readonly kind: "enum"; readonly id: number; readonly variant: number; readonly fields: readonly Expr[] }
  | {
      readonly kind: "matchEnum";
      readonly type: Type;
      readonly id: number;
      readonly value: Expr;
      /** One for each variant, in order. */
      readonly arms: readonly { readonly binds: readonly string[]; readonly body: Expr }[];
    }
  | {
      readonly kind: "matchInt";
      readonly type: Type;
      readonly value: Expr;
      /** Inclusive ranges; the first that fits is taken. */
      readonly arms: readonly { readonly low: string; readonly high: string; readonly body: Expr }[];
      readonly otherwise: Expr;
    }
  | { readonly kind: "call"; readonly fn: number; readonly type: IntType; readonly args: readonly Expr[] }
  /** A call of a recursive function: `depth` calls of itself below the first. */
  | { readonly kind: "dive"; readonly fn: number; readonly depth: number; readonly argument: Expr }
  | {
      readonly kind: "chain";
      readonly array: string;
      readonly of: ArrayType;
      /** `array[from as usize..to as usize]` */
      readonly slice?: { readonly from: Expr; readonly to: Expr };
      readonly steps: readonly ChainStep[];
      readonly end: ChainEnd;
    }
  /** A closure from u64 to u64 and its call: directly, twice through a generic function, or through `&dyn Fn`. */
  | {
      readonly kind: "closure";
      readonly how: "direct" | "twice" | "dyn";
      readonly param: string;
      readonly body: Expr;
      readonly argument: Expr;
    }
  /** One of several trait objects, chosen at run time, from u64 to u64. */
  | {
      readonly kind: "dyn";
      readonly objects: readonly { readonly op: number; readonly value: Expr }[];
      readonly select: Expr;
      readonly argument: Expr;
    }
  /** The u64 at a key of a map; `key` is a u32, reduced to the program's own keys. What is not there is 0. */
  | { readonly kind: "mapGet"; readonly map: MapKind; readonly key: Expr }
  /** Of the value that `name` holds the lock of, the total. */
  | { readonly kind: "lockedGet"; readonly name: string }
  | { readonly kind: "byteAt"; readonly source: ByteSource; readonly index: Expr }
  | { readonly kind: "byteCount"; readonly source: ByteSource }
  /** The number that begins at `from`, least significant byte first; what is too short panics. */
  | { readonly kind: "convert"; readonly source: ByteSource; readonly from: Expr; readonly type: IntType }
  /** A field of a header of the packet, as it lies there. */
  | {
      readonly kind: "header";
      readonly header: HeaderName;
      readonly field: string;
      readonly type: IntType;
    }
  | { readonly kind: "blackBox"; readonly type: Type; readonly value: Expr };

export type ChainStep =
  /** Both to the type of the elements. */
  | { readonly kind: "map"; readonly param: string; readonly body: Expr }
  | { readonly kind: "filter"; readonly param: string; readonly condition: Expr };

export type ChainEnd =
  | { readonly kind: "sum" }
  | { readonly kind: "count" }
  | {
      readonly kind: "fold";
      readonly accumulator: string;
      readonly param: string;
      readonly type: IntType;
      readonly init: Expr;
      readonly body: Expr;
    }
  /** The largest, or this if there is none. */
  | { readonly kind: "max"; readonly otherwise: Expr };

export type SpinKind = "empty" | "counting" | "helper";
export type HoldKind = "task" | "record";
export type PacketHook = "xdp" | "tc";
export type RecordEnd = "submit" | "discard" | "drop";

export type Stmt =
  | {
      readonly kind: "let";
      readonly name: string;
      readonly mutable: boolean;
      readonly type: Type;
      readonly init: Expr;
    }
  | { readonly kind: "assign"; readonly name: string; readonly value: Expr }
  /** `name += value`, which panics on overflow. */
  | {
      readonly kind: "compound";
      readonly name: string;
      readonly type: IntType;
      readonly op: ArithmeticOp;
      readonly value: Expr;
    }
  | {
      readonly kind: "assignIndex";
      readonly array: string;
      readonly of: ArrayType;
      readonly index: Expr;
      readonly value: Expr;
    }
  | {
      readonly kind: "assignField";
      readonly value: string;
      readonly struct: number;
      readonly field: number;
      readonly to: Expr;
    }
  /** Has an integer or bool take part in the result. */
  | { readonly kind: "mix"; readonly value: Expr }
  | {
      readonly kind: "if";
      readonly condition: Expr;
      readonly yes: readonly Stmt[];
      readonly no: readonly Stmt[];
    }
  | {
      readonly kind: "for";
      readonly name: string;
      readonly int: IntName;
      readonly from: number;
      readonly to: number;
      readonly reversed: boolean;
      /** By a function that calls itself for the rest, with the body as a closure: which nothing leaves. */
      readonly recursive?: boolean;
      readonly body: readonly Stmt[];
    }
  /** At most `fuel` rounds. */
  | {
      readonly kind: "while";
      readonly fuelName: string;
      readonly fuel: number;
      readonly condition: Expr;
      readonly body: readonly Stmt[];
    }
  | { readonly kind: "break" }
  | { readonly kind: "continue" }
  | { readonly kind: "return"; readonly value: Expr }
  | { readonly kind: "mapSet"; readonly map: MapKind; readonly key: Expr; readonly value: Expr }
  | { readonly kind: "mapDelete"; readonly key: Expr }
  | { readonly kind: "mapAdd"; readonly key: Expr; readonly value: Expr }
  /** The body runs with the lock of a value held, if the map has one for the key. */
  | {
      readonly kind: "lock";
      readonly map: LockedMap;
      readonly key: Expr;
      readonly name: string;
      readonly body: readonly Stmt[];
    }
  /** Changes the value that `name` holds the lock of; it is written back at the end of the lock's body. */
  | { readonly kind: "lockedSet"; readonly name: string; readonly value: Expr }
  /** Both have their errno take part in the result: nothing is changed while a lock is held. */
  | { readonly kind: "vaultSet"; readonly key: Expr; readonly value: Expr }
  | { readonly kind: "vaultDelete"; readonly key: Expr }
  | { readonly kind: "byteSet"; readonly source: ByteSource; readonly index: Expr; readonly value: Expr }
  /** `source[from..to].fill(value)` */
  | {
      readonly kind: "byteFill";
      readonly source: ByteSource;
      readonly from: Expr;
      readonly to: Expr;
      readonly value: Expr;
    }
  | {
      readonly kind: "convertSet";
      readonly source: ByteSource;
      readonly from: Expr;
      readonly type: IntType;
      readonly value: Expr;
    }
  /** A record of a ring buffer, zeroed, of so many bytes. Only one that comes to the end of the body is submitted. */
  | {
      readonly kind: "record";
      readonly name: string;
      readonly size: number;
      readonly end: RecordEnd;
      readonly body: readonly Stmt[];
    }
  /** A whole record at once. */
  | { readonly kind: "output"; readonly bytes: readonly Expr[] }
  | {
      readonly kind: "headerSet";
      readonly header: HeaderName;
      readonly field: string;
      readonly type: IntType;
      readonly value: Expr;
    }
  /** Moves an end of the packet of XDP by an i32; its errno takes part in the result. */
  | { readonly kind: "adjust"; readonly end: "head" | "tail"; readonly by: Expr }
  /** The checksum of the IP header is computed and set. */
  | { readonly kind: "checksum" }
  | { readonly kind: "panic"; readonly message: string; readonly args: readonly Expr[] }
  /** A panic whose message panics while it is formatted. */
  | { readonly kind: "bomb"; readonly value: Expr }
  | { readonly kind: "hold"; readonly what: HoldKind; readonly name: string; readonly body: readonly Stmt[] }
  /** So many at once: more than are allowed end the program. */
  | {
      readonly kind: "crowd";
      readonly what: HoldKind;
      readonly name: string;
      readonly count: number;
      readonly body: readonly Stmt[];
    }
  /** A value with a destructor that writes to a map, or panics when the value is divisible by 5. */
  | { readonly kind: "noisy"; readonly name: string; readonly value: Expr; readonly body: readonly Stmt[] }
  | { readonly kind: "spin"; readonly how: SpinKind };

export interface Fn {
  readonly params: readonly { readonly name: string; readonly type: IntType }[];
  readonly type: IntType;
  readonly inline: "never" | "always" | "maybe";
  readonly body: readonly Stmt[];
  readonly result: Expr;
  /**
   * It calls itself: the parameters are `depth` and `x`, it returns a u64, and so many words of its frame are in use across the call. `result`
   * may use `below`, what the call of itself has returned (0 in the last one).
   */
  readonly frameWords?: number;
}

/** `struct OpN(u64)` with a method of a trait, from u64 to u64. `value` is its field, `x` the argument. */
export interface Op {
  readonly body: Expr;
}

export interface Program {
  /** It runs on a packet, and what it returns decides about the packet too. Else it runs at a system call. */
  readonly packet?: PacketHook;
  readonly structs: readonly { readonly fields: readonly IntName[] }[];
  readonly enums: readonly { readonly variants: readonly (readonly IntName[])[] }[];
  readonly ops: readonly Op[];
  /** Each calls only those before it. */
  readonly fns: readonly Fn[];
  /** Gets `input: u64`; what it mixed is what the program returns. */
  readonly body: readonly Stmt[];
}

export type Node = Expr | Stmt;

/** The type of what an expression gives. */
export function typeOf(expr: Expr): Type {
  switch (expr.kind) {
    case "bool":
    case "compare":
    case "logic":
      return { kind: "bool" };
    case "index":
      return { kind: "int", int: expr.of.of };
    case "byteAt":
      return { kind: "int", int: "u8" };
    case "struct":
      return { kind: "struct", id: expr.id };
    case "enum":
      return { kind: "enum", id: expr.id };
    case "dive":
    case "closure":
    case "dyn":
    case "mapGet":
    case "lockedGet":
    case "byteCount":
      return { kind: "int", int: "u64" };
    case "chain":
      return chainType(expr);
    default:
      return expr.type;
  }
}

function chainType({ of, end }: Extract<Expr, { kind: "chain" }>): Type {
  switch (end.kind) {
    case "count":
      return { kind: "int", int: "u64" };
    case "fold":
      return end.type;
    case "sum":
    case "max":
      return { kind: "int", int: of.of };
  }
}
