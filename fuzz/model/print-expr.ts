// SPDX-License-Identifier: MIT
// Expressions as Rust, each in parentheses unless it is a single word, so that precedence is nobody's concern.
import type { ArithmeticOp, ByteSource, ChainEnd, Expr } from "./ast.ts";
import type { HeaderName } from "./headers.ts";

const methods: Readonly<Record<ArithmeticOp, string>> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "%": "rem",
};

export function exprText(expr: Expr): string {
  switch (expr.kind) {
    case "int":
      return intText(expr.value, expr.type.int);
    case "bool":
      return String(expr.value);
    case "var":
      return expr.name;
    case "arithmetic":
      return arithmeticText(expr);
    case "bits":
    case "compare":
    case "logic":
      return `(${exprText(expr.left)} ${expr.op} ${exprText(expr.right)})`;
    case "shift": {
      const [left, right] = [exprText(expr.left), exprText(expr.right)];
      if (!expr.wraps) return `(${left} ${expr.op} ${right})`;
      return `${left}.wrapping_sh${expr.op === "<<" ? "l" : "r"}(${right})`;
    }
    case "negate":
      return expr.wraps ? `${exprText(expr.value)}.wrapping_neg()` : `(-${exprText(expr.value)})`;
    case "not":
      return `(!${exprText(expr.value)})`;
    case "cast":
      return `(${exprText(expr.value)} as ${expr.type.int})`;
    case "if":
      return `(if ${exprText(expr.condition)} { ${exprText(expr.yes)} } else { ${exprText(expr.no)} })`;
    case "index":
      return `${expr.array}[${exprText(expr.index)} as usize]`;
    case "field":
      return `${expr.value}.f${expr.field}`;
    case "array":
      return `[${list(expr.items)}]`;
    case "repeat":
      return `[${exprText(expr.item)}; ${expr.type.length}]`;
    case "struct":
      return `(Struct${expr.id} { ${expr.fields.map((value, at) => `f${at}: ${exprText(value)}`).join(", ")} })`;
    case "enum":
      return `Enum${expr.id}::V${expr.variant}(${list(expr.fields)})`;
    case "matchEnum":
    case "matchInt":
      return matchText(expr);
    case "call":
      return `fn${expr.fn}(${list(expr.args)})`;
    case "dive":
      return `fn${expr.fn}(${expr.depth}, ${exprText(expr.argument)})`;
    case "chain":
      return chainText(expr);
    case "closure":
      return closureText(expr);
    case "dyn":
      return dynText(expr);
    case "mapGet":
      return `${expr.map}_get(P, ${exprText(expr.key)})`;
    case "lockedGet":
      return `${expr.name}.total`;
    // The index first: it may need the packet for itself.
    case "byteAt":
      return `({ let at = (${exprText(expr.index)}) as usize; ${sourceText(expr.source)}[at] })`;
    case "byteCount":
      return `(${sourceText(expr.source)}.len() as u64)`;
    case "convert": {
      const bytes = `&${sourceText(expr.source)}[at..]`;
      return `({ let at = (${exprText(expr.from)}) as usize; *convert_slice_to_struct::<${expr.type.int}>(${bytes}) })`;
    }
    case "header":
      return `({ ${headerText(expr.header)}.${expr.field} })`;
    case "blackBox":
      return `black_box(${exprText(expr.value)})`;
  }
}

/** What has the bytes: a slice, or what derefs to one. */
export function sourceText(source: ByteSource): string {
  return source.kind === "packet" ? "ctx.data_slice" : source.name;
}

export function headerText(header: HeaderName): string {
  return `hook.${header}_header(ctx)`;
}

function list(exprs: readonly Expr[]): string {
  return exprs.map(exprText).join(", ");
}

function intText(value: string, type: string): string {
  return value.startsWith("-") ? `(${value}${type})` : `${value}${type}`;
}

function arithmeticText({ op, overflow, left, right, type }: Extract<Expr, { kind: "arithmetic" }>): string {
  const [a, b, method] = [exprText(left), exprText(right), methods[op]];
  switch (overflow) {
    case "panic":
      return `(${a} ${op} ${b})`;
    case "wrap":
      return `${a}.wrapping_${method}(${b})`;
    case "saturate":
      return `${a}.saturating_${method}(${b})`;
    case "unwrap":
      return `${a}.checked_${method}(${b}).unwrap()`;
    case "else":
      return `${a}.checked_${method}(${b}).unwrap_or(${otherwise}${type.int})`;
  }
}

/** What stands for a result that does not fit. */
export const otherwise = 7;

function matchText(expr: Extract<Expr, { kind: "matchEnum" | "matchInt" }>): string {
  const value = exprText(expr.value);
  if (expr.kind === "matchEnum") {
    const arms = expr.arms.map(
      ({ binds, body }, at) => `Enum${expr.id}::V${at}(${binds.join(", ")}) => ${exprText(body)}`,
    );
    return `(match ${value} { ${arms.join(", ")} })`;
  }
  const arms = expr.arms.map(({ low, high, body }) => `${low}..=${high} => ${exprText(body)}`);
  return `(match ${value} { ${[...arms, `_ => ${exprText(expr.otherwise)}`].join(", ")} })`;
}

function chainText({ array, of, slice, steps, end }: Extract<Expr, { kind: "chain" }>): string {
  const range = slice ? `[${exprText(slice.from)} as usize..${exprText(slice.to)} as usize]` : "";
  const links = steps.map((step) =>
    step.kind === "map"
      ? `.map(|${step.param}: ${of.of}| -> ${of.of} { ${exprText(step.body)} })`
      : `.filter(|&${step.param}: &${of.of}| -> bool { ${exprText(step.condition)} })`,
  );
  return `(${array}${range}.iter().copied()${links.join("")}${endText(end, of.of)})`;
}

function endText(end: ChainEnd, of: string): string {
  switch (end.kind) {
    case "sum":
      return `.sum::<${of}>()`;
    case "count":
      return ".count() as u64";
    case "max":
      return `.max().unwrap_or(${exprText(end.otherwise)})`;
    case "fold": {
      const type = end.type.int;
      const params = `${end.accumulator}: ${type}, ${end.param}: ${of}`;
      return `.fold(${exprText(end.init)}, |${params}| -> ${type} { ${exprText(end.body)} })`;
    }
  }
}

function closureText({ how, param, body, argument }: Extract<Expr, { kind: "closure" }>): string {
  const closure = `|${param}: u64| -> u64 { ${exprText(body)} }`;
  switch (how) {
    case "direct":
      return `(${closure})(${exprText(argument)})`;
    case "twice":
      return `twice(${closure}, ${exprText(argument)})`;
    case "dyn":
      return `through(&${closure}, ${exprText(argument)})`;
  }
}

function dynText({ objects, select, argument }: Extract<Expr, { kind: "dyn" }>): string {
  const values = objects.map(({ op, value }) => `&Op${op}(${exprText(value)})`).join(", ");
  const count = objects.length;
  const chosen = `objects[(${exprText(select)} % ${count}) as usize]`;
  return `({ let objects: [&dyn Op; ${count}] = [${values}]; ${chosen}.apply(${exprText(argument)}) })`;
}
