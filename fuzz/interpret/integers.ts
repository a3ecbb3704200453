// SPDX-License-Identifier: MIT
// Arithmetic of Rust's integers on exact numbers: what fits, and what the panic says when something does not.
import type { ArithmeticOp, Overflow } from "../model/ast.ts";
import { otherwise } from "../model/print-expr.ts";
import { bitsOf, fits, type IntName, maxOf, minOf, wrap } from "../model/types.ts";
import { Panic } from "./ending.ts";

export function arithmetic(
  op: ArithmeticOp,
  overflow: Overflow,
  type: IntName,
  left: bigint,
  right: bigint,
): bigint {
  const exact = calculate(op, left, right);
  if (exact !== undefined && fits(type, exact) && !hidesOverflow(op, type, left, right)) return exact;
  switch (overflow) {
    case "else":
      return BigInt(otherwise);
    case "unwrap":
      throw new Panic("called `Option::unwrap()` on a `None` value");
    case "panic":
      throw new Panic(exact === undefined ? byZero(op) : overflowMessage(op));
    case "wrap":
      if (exact === undefined) throw new Panic(byZero(op));
      return wrap(type, exact);
    case "saturate":
      if (exact === undefined) throw new Panic(byZero(op));
      return exact < minOf(type) ? minOf(type) : maxOf(type);
  }
}

/** MIN % -1 is 0, and yet an overflow: the division that it comes from does not fit. */
function hidesOverflow(op: ArithmeticOp, type: IntName, left: bigint, right: bigint): boolean {
  return op === "%" && right === -1n && left === minOf(type);
}

/** Undefined when it is a division by zero. */
function calculate(op: ArithmeticOp, left: bigint, right: bigint): bigint | undefined {
  switch (op) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0n ? undefined : left / right;
    case "%":
      return right === 0n ? undefined : left % right;
  }
}

function byZero(op: ArithmeticOp): string {
  return op === "/"
    ? "attempt to divide by zero"
    : "attempt to calculate the remainder with a divisor of zero";
}

const verbs: Readonly<Record<ArithmeticOp, string>> = {
  "+": "add",
  "-": "subtract",
  "*": "multiply",
  "/": "divide",
  "%": "calculate the remainder",
};

export function overflowMessage(op: ArithmeticOp): string {
  return `attempt to ${verbs[op]} with overflow`;
}

export function shift(op: "<<" | ">>", wraps: boolean, type: IntName, left: bigint, right: bigint): bigint {
  const bits = BigInt(bitsOf(type));
  if (!wraps && right >= bits)
    throw new Panic(`attempt to shift ${op === "<<" ? "left" : "right"} with overflow`);
  const by = right % bits;
  return op === "<<" ? wrap(type, left << by) : left >> by;
}

export function negate(wraps: boolean, type: IntName, value: bigint): bigint {
  if (!wraps && !fits(type, -value)) throw new Panic("attempt to negate with overflow");
  return wrap(type, -value);
}
