// SPDX-License-Identifier: MIT
// Whether an expression is well-typed where it stands.
import {
  type ByteSource,
  type ChainEnd,
  type Expr,
  type Fn,
  type PacketHook,
  type Program,
  type Stmt,
  typeOf,
} from "./ast.ts";
import { fieldOf } from "./headers.ts";
import { bool, fits, type IntName, int, sameType, type Type } from "./types.ts";

/** What is in reach. */
export interface Scope {
  readonly variables: ReadonlyMap<string, { readonly type: Type; readonly mutable: boolean }>;
  /** What is held by name: records that are being filled, and values under their locks. */
  readonly held: ReadonlyMap<string, "record" | "lock">;
  readonly packet: PacketHook | undefined;
  /** The body of the program itself. */
  readonly isMain: boolean;
  /** Functions before this one may be called. */
  readonly fns: number;
  readonly inLoop: boolean;
  readonly returns: IntName | undefined;
}

type HeaderSet = Extract<Stmt, { kind: "headerSet" }>;

/** Thrown by all that is not well-typed. */
export class TypeMistake extends Error {}

export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new TypeMistake(what);
}

export const word = int("u64");

export class ExprChecker {
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  expr(expr: Expr, scope: Scope, wanted: Type): void {
    expect(sameType(typeOf(expr), wanted), `${expr.kind} of another type`);
    switch (expr.kind) {
      case "int":
        expect(fits(expr.type.int, BigInt(expr.value)), "a literal that does not fit");
        break;
      case "bool":
        break;
      case "var":
        expect(sameType(this.variable(expr.name, scope), expr.type), expr.name);
        break;
      case "arithmetic":
      case "bits":
        this.expr(expr.left, scope, expr.type);
        this.expr(expr.right, scope, expr.type);
        break;
      case "shift":
        this.expr(expr.left, scope, expr.type);
        this.expr(expr.right, scope, int("u32"));
        break;
      case "negate":
        expect(expr.wraps || expr.type.int.startsWith("i"), "no sign to change");
        this.expr(expr.value, scope, expr.type);
        break;
      case "not":
      case "blackBox":
        this.expr(expr.value, scope, expr.type);
        break;
      case "cast":
        this.intOrBool(expr.value, scope);
        break;
      case "compare":
        this.anyInt(expr.left, scope);
        this.expr(expr.right, scope, typeOf(expr.left));
        break;
      case "logic":
        this.expr(expr.left, scope, bool);
        this.expr(expr.right, scope, bool);
        break;
      case "if":
        this.expr(expr.condition, scope, bool);
        this.expr(expr.yes, scope, expr.type);
        this.expr(expr.no, scope, expr.type);
        break;
      case "index":
        expect(sameType(this.variable(expr.array, scope), expr.of), expr.array);
        this.anyInt(expr.index, scope);
        break;
      case "field":
        expect(sameType(this.field(expr, this.variable(expr.value, scope)), expr.type), expr.value);
        break;
      case "array":
        expect(expr.items.length === expr.type.length, "an array of another length");
        this.#exprs(
          expr.items,
          scope,
          expr.items.map(() => expr.type.of),
        );
        break;
      case "repeat":
        this.expr(expr.item, scope, int(expr.type.of));
        break;
      case "struct":
        this.#exprs(expr.fields, scope, this.#program.structs[expr.id]?.fields);
        break;
      case "enum":
        this.#exprs(expr.fields, scope, this.#program.enums[expr.id]?.variants[expr.variant]);
        break;
      case "matchEnum":
        this.#matchEnum(expr, scope);
        break;
      case "matchInt":
        this.#matchInt(expr, scope);
        break;
      case "call": {
        const fn = this.#callee(expr.fn, scope, false);
        expect(sameType(fn.type, expr.type), "a function of another type");
        this.#exprs(
          expr.args,
          scope,
          fn.params.map(({ type }) => type.int),
        );
        break;
      }
      case "dive":
        this.#callee(expr.fn, scope, true);
        this.expr(expr.argument, scope, word);
        break;
      case "chain":
        this.#chain(expr, scope);
        break;
      case "closure":
        this.expr(expr.argument, scope, word);
        this.expr(expr.body, inClosure(add(scope, expr.param, word)), word);
        break;
      case "dyn":
        expect(expr.objects.length > 0, "no object");
        for (const { op, value } of expr.objects) {
          expect(this.#program.ops[op] !== undefined, "an unknown type of object");
          this.expr(value, scope, word);
        }
        this.expr(expr.select, scope, word);
        this.expr(expr.argument, scope, word);
        break;
      case "mapGet":
        this.expr(expr.key, scope, int("u32"));
        break;
      case "lockedGet":
        this.locked(expr.name, scope);
        break;
      case "byteAt":
        this.source(expr.source, scope);
        this.anyInt(expr.index, scope);
        break;
      case "byteCount":
        this.source(expr.source, scope);
        break;
      case "convert":
        this.source(expr.source, scope);
        this.anyInt(expr.from, scope);
        break;
      case "header":
        this.header(expr, scope);
        break;
    }
  }

  #exprs(exprs: readonly Expr[], scope: Scope, types: readonly IntName[] | undefined): void {
    expect(types !== undefined && types.length === exprs.length, "another number of values");
    exprs.forEach((expr, at) => {
      this.expr(expr, scope, int(types[at] ?? "u64"));
    });
  }

  #matchEnum({ type, id, value, arms }: Extract<Expr, { kind: "matchEnum" }>, scope: Scope): void {
    this.expr(value, scope, { kind: "enum", id });
    const variants = this.#program.enums[id]?.variants ?? [];
    expect(variants.length === arms.length, "another number of variants");
    arms.forEach(({ binds, body }, at) => {
      const fields = variants[at] ?? [];
      expect(fields.length === binds.length, "another number of fields");
      const inside = binds.reduce(
        (outer, name, field) => add(outer, name, int(fields[field] ?? "u64")),
        scope,
      );
      this.expr(body, inside, type);
    });
  }

  #matchInt({ type, value, arms, otherwise }: Extract<Expr, { kind: "matchInt" }>, scope: Scope): void {
    this.anyInt(value, scope);
    const of = typeOf(value);
    for (const { low, high, body } of arms) {
      expect(
        of.kind === "int" && fits(of.int, BigInt(low)) && fits(of.int, BigInt(high)),
        "a range that does not fit",
      );
      expect(BigInt(low) <= BigInt(high), "an empty range");
      this.expr(body, scope, type);
    }
    this.expr(otherwise, scope, type);
  }

  #chain({ array, of, slice, steps, end }: Extract<Expr, { kind: "chain" }>, scope: Scope): void {
    expect(sameType(this.variable(array, scope), of), array);
    if (slice !== undefined) {
      this.anyInt(slice.from, scope);
      this.anyInt(slice.to, scope);
    }
    const element = int(of.of);
    for (const step of steps) {
      const inside = inClosure(add(scope, step.param, element));
      if (step.kind === "map") this.expr(step.body, inside, element);
      else this.expr(step.condition, inside, bool);
    }
    this.#end(end, element, scope);
  }

  #end(end: ChainEnd, element: Type, scope: Scope): void {
    if (end.kind === "max") this.expr(end.otherwise, scope, element);
    if (end.kind !== "fold") return;
    this.expr(end.init, scope, end.type);
    const inside = add(add(scope, end.accumulator, end.type), end.param, element);
    this.expr(end.body, inClosure(inside), end.type);
  }

  variable(name: string, scope: Scope, changed = false): Type {
    const found = scope.variables.get(name);
    expect(found !== undefined && (found.mutable || !changed), name);
    return found.type;
  }

  locked(name: string, scope: Scope): void {
    expect(scope.held.get(name) === "lock", `no lock is held as ${name}`);
  }

  source(source: ByteSource, scope: Scope, changed = false): void {
    if (source.kind === "packet") expect(scope.packet !== undefined, "there is no packet");
    else if (source.kind === "record") expect(scope.held.get(source.name) === "record", source.name);
    else {
      const { name, length } = source;
      expect(sameType(this.variable(name, scope, changed), { kind: "array", of: "u8", length }), name);
    }
  }

  header(node: Extract<Expr, { kind: "header" }> | HeaderSet, scope: Scope): void {
    const field = fieldOf(node.header, node.field);
    expect(scope.packet !== undefined, "there is no packet");
    expect(field !== undefined && sameType(field.type, node.type), `${node.header} has no such field`);
  }

  field({ struct, field }: { readonly struct: number; readonly field: number }, of: Type): Type {
    const type = this.#program.structs[struct]?.fields[field];
    expect(of.kind === "struct" && of.id === struct && type !== undefined, "a field that is not there");
    return int(type);
  }

  #callee(index: number, scope: Scope, recursive: boolean): Fn {
    const fn = this.#program.fns[index];
    expect(fn !== undefined && index < scope.fns, `fn${index} can't be called here`);
    expect((fn.frameWords !== undefined) === recursive, `fn${index} is not called like that`);
    return fn;
  }

  anyInt(expr: Expr, scope: Scope): void {
    const type = typeOf(expr);
    expect(type.kind === "int", "an integer was expected");
    this.expr(expr, scope, type);
  }

  intOrBool(expr: Expr, scope: Scope): void {
    const type = typeOf(expr);
    expect(type.kind === "int" || type.kind === "bool", "an integer or bool was expected");
    this.expr(expr, scope, type);
  }
}

export function scopeOf(variables: readonly (readonly [string, Type])[], fns: number): Scope {
  const known = variables.map(([name, type]) => [name, { type, mutable: false }] as const);
  return {
    variables: new Map(known),
    held: new Map(),
    packet: undefined,
    isMain: false,
    fns,
    inLoop: false,
    returns: undefined,
  };
}

/** The packet is one's own: it can't be in a closure too. */
function inClosure(scope: Scope): Scope {
  return { ...scope, packet: undefined };
}

export function hold(scope: Scope, name: string, what: "record" | "lock"): Scope {
  return { ...scope, held: new Map(scope.held).set(name, what) };
}

export function add(scope: Scope, name: string, type: Type, mutable = false): Scope {
  return { ...scope, variables: new Map(scope.variables).set(name, { type, mutable }) };
}
