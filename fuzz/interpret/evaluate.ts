// SPDX-License-Identifier: MIT
// Evaluates expressions, in the order that Rust does.
import type { ByteSource, ChainEnd, Expr, Op } from "../model/ast.ts";
import { fieldOf } from "../model/headers.ts";
import { type IntName, wrap } from "../model/types.ts";
import { type Bytes, checkRange, convert, headerAt, numberAt } from "./bytes.ts";
import { Panic } from "./ending.ts";
import { arithmetic, negate, overflowMessage, shift } from "./integers.ts";
import type { Account, State } from "./state.ts";

export type Value =
  | bigint
  | boolean
  | readonly bigint[]
  | { readonly variant: number; readonly fields: readonly bigint[] }
  | Account;
export type Variables = Map<string, Value>;

/** What an expression needs of the program around it. */
export interface Calls {
  readonly state: State;
  fn(index: number, args: readonly bigint[]): bigint;
  dive(index: number, depth: number, argument: bigint): bigint;
  op(index: number): Op;
  /** Runs the body of a function that is not the program's own statement: panics are at this spot. */
  at<T>(spot: object, run: () => T): T;
}

/** Bytes that frames of small functions need at most. */
const smallFrame = 700;

export class Evaluator {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  int(expr: Expr, variables: Variables): bigint {
    const value = this.value(expr, variables);
    if (typeof value !== "bigint") throw new Error(`an integer was expected: ${expr.kind}`);
    return value;
  }

  bool(expr: Expr, variables: Variables): boolean {
    const value = this.value(expr, variables);
    if (typeof value !== "boolean") throw new Error(`a bool was expected: ${expr.kind}`);
    return value;
  }

  value(expr: Expr, variables: Variables): Value {
    this.#calls.state.step();
    switch (expr.kind) {
      case "int":
        return BigInt(expr.value);
      case "bool":
        return expr.value;
      case "var":
        return known(variables, expr.name);
      case "arithmetic": {
        const left = this.int(expr.left, variables);
        return arithmetic(expr.op, expr.overflow, expr.type.int, left, this.int(expr.right, variables));
      }
      case "bits":
        return this.#bits(expr, variables);
      case "shift": {
        const left = this.int(expr.left, variables);
        return shift(expr.op, expr.wraps, expr.type.int, left, this.int(expr.right, variables));
      }
      case "negate":
        return negate(expr.wraps, expr.type.int, this.int(expr.value, variables));
      case "not": {
        const value = this.value(expr.value, variables);
        return typeof value === "bigint" && expr.type.kind === "int" ? wrap(expr.type.int, ~value) : !value;
      }
      case "cast":
        return wrap(expr.type.int, BigInt(this.value(expr.value, variables) as bigint | boolean));
      case "compare":
        return this.#compare(expr, variables);
      case "logic": {
        const left = this.bool(expr.left, variables);
        return (expr.op === "&&") === left ? this.bool(expr.right, variables) : left;
      }
      case "if":
        return this.value(this.bool(expr.condition, variables) ? expr.yes : expr.no, variables);
      case "index": {
        const index = asUsize(this.int(expr.index, variables));
        return element(known(variables, expr.array) as readonly bigint[], index);
      }
      case "field":
        return (known(variables, expr.value) as readonly bigint[])[expr.field] as bigint;
      case "array":
        return expr.items.map((item) => this.int(item, variables));
      case "repeat":
        return Array<bigint>(expr.type.length).fill(this.int(expr.item, variables));
      case "struct":
        return expr.fields.map((field) => this.int(field, variables));
      case "enum":
        return {
          variant: expr.variant,
          fields: expr.fields.map((field) => this.int(field, variables)),
        };
      case "matchEnum":
        return this.#matchEnum(expr, variables);
      case "matchInt": {
        const value = this.int(expr.value, variables);
        const arm = expr.arms.find(({ low, high }) => BigInt(low) <= value && value <= BigInt(high));
        return this.value(arm?.body ?? expr.otherwise, variables);
      }
      case "call":
        return this.#calls.fn(
          expr.fn,
          expr.args.map((arg) => this.int(arg, variables)),
        );
      case "dive":
        return this.#calls.dive(expr.fn, expr.depth, this.int(expr.argument, variables));
      case "chain":
        return this.#chain(expr, variables);
      case "closure":
        return this.#closure(expr, variables);
      case "dyn":
        return this.#dyn(expr, variables);
      case "mapGet":
        return this.#calls.state.get(expr.map, this.int(expr.key, variables));
      case "lockedGet":
        return (known(variables, expr.name) as Account).total;
      case "byteAt": {
        const index = asUsize(this.int(expr.index, variables));
        return element(this.bytes(expr.source, variables), index);
      }
      case "byteCount":
        return BigInt(this.bytes(expr.source, variables).length);
      case "convert": {
        const from = asUsize(this.int(expr.from, variables));
        return convert(this.bytes(expr.source, variables), from, expr.type.int);
      }
      case "header": {
        const { bytes } = this.#calls.state.packet;
        const offset = fieldOf(expr.header, expr.field)?.offset ?? 0;
        return numberAt(bytes, headerAt(bytes, expr.header) + offset, expr.type.int);
      }
      case "blackBox":
        return this.value(expr.value, variables);
    }
  }

  bytes(source: ByteSource, variables: Variables): Bytes {
    return source.kind === "packet"
      ? this.#calls.state.packet.bytes
      : (known(variables, source.name) as Bytes);
  }

  #bits({ op, left, right }: Extract<Expr, { kind: "bits" }>, variables: Variables): bigint {
    const [a, b] = [this.int(left, variables), this.int(right, variables)];
    if (op === "&") return a & b;
    return op === "|" ? a | b : a ^ b;
  }

  #compare({ op, left, right }: Extract<Expr, { kind: "compare" }>, variables: Variables): boolean {
    const [a, b] = [this.int(left, variables), this.int(right, variables)];
    switch (op) {
      case "==":
        return a === b;
      case "!=":
        return a !== b;
      case "<":
        return a < b;
      case "<=":
        return a <= b;
      case ">":
        return a > b;
      case ">=":
        return a >= b;
    }
  }

  #matchEnum(expr: Extract<Expr, { kind: "matchEnum" }>, variables: Variables): Value {
    const value = this.value(expr.value, variables);
    if (typeof value !== "object" || !("variant" in value)) throw new Error("an enum was expected");
    const arm = expr.arms[value.variant];
    if (arm === undefined) throw new Error("there is no such variant");
    for (const [at, name] of arm.binds.entries()) variables.set(name, value.fields[at] ?? 0n);
    return this.value(arm.body, variables);
  }

  #closure({ how, param, body, argument }: Extract<Expr, { kind: "closure" }>, variables: Variables): bigint {
    const call = (value: bigint) =>
      this.#calls.state.withFrame(0, smallFrame, () => {
        variables.set(param, value);
        return this.int(body, variables);
      });
    const once = call(this.int(argument, variables));
    return how === "twice" ? call(once) : once;
  }

  #dyn({ objects, select, argument }: Extract<Expr, { kind: "dyn" }>, variables: Variables): bigint {
    const values = objects.map(({ value }) => this.int(value, variables));
    const at = Number(this.int(select, variables) % BigInt(objects.length));
    const x = this.int(argument, variables);
    const op = this.#calls.op(objects[at]?.op ?? 0);
    const own: Variables = new Map([
      ["value", values[at] ?? 0n],
      ["x", x],
    ]);
    return this.#calls.at(op, () => this.#calls.state.withFrame(0, smallFrame, () => this.int(op.body, own)));
  }

  #chain(expr: Extract<Expr, { kind: "chain" }>, variables: Variables): bigint {
    const { array, of, slice, steps, end } = expr;
    let items = known(variables, array) as readonly bigint[];
    if (slice !== undefined) {
      const from = asUsize(this.int(slice.from, variables));
      items = sliceOf(items, from, asUsize(this.int(slice.to, variables)));
    }
    let result = end.kind === "fold" ? this.int(end.init, variables) : undefined;
    let count = 0n;
    next: for (const item of items) {
      let value = item;
      for (const step of steps) {
        variables.set(step.param, value);
        if (step.kind === "map") value = this.int(step.body, variables);
        else if (!this.bool(step.condition, variables)) continue next;
      }
      count += 1n;
      result = this.#add(end, of.of, result, value, variables);
    }
    if (end.kind === "count") return count;
    if (end.kind === "sum") return result ?? 0n;
    const otherwise = end.kind === "max" ? this.int(end.otherwise, variables) : 0n;
    return result ?? otherwise;
  }

  #add(
    end: ChainEnd,
    type: IntName,
    before: bigint | undefined,
    item: bigint,
    variables: Variables,
  ): bigint | undefined {
    switch (end.kind) {
      case "count":
        return undefined;
      case "sum": {
        const sum = (before ?? 0n) + item;
        if (wrap(type, sum) !== sum) throw new Panic(overflowMessage("+"));
        return sum;
      }
      case "max":
        return before !== undefined && before > item ? before : item;
      case "fold":
        variables.set(end.accumulator, before ?? 0n);
        variables.set(end.param, item);
        return this.int(end.body, variables);
    }
  }
}

export function known(variables: Variables, name: string): Value {
  const value = variables.get(name);
  if (value === undefined) throw new Error(`nothing is called ${name}`);
  return value;
}

/** `as usize`, of any integer. */
export function asUsize(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

export function checkIndex(length: number, index: bigint): number {
  if (index >= BigInt(length))
    throw new Panic(`index out of bounds: the len is ${length} but the index is ${index}`);
  return Number(index);
}

function element(array: readonly bigint[], index: bigint): bigint {
  return array[checkIndex(array.length, index)] ?? 0n;
}

function sliceOf(items: readonly bigint[], from: bigint, to: bigint): readonly bigint[] {
  checkRange(items.length, from, to);
  return items.slice(Number(from), Number(to));
}
