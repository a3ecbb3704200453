// SPDX-License-Identifier: MIT
// Smaller programs than a given one: something is left out with all that refers to it, or replaced by what is simpler and of the same type.
// What would not be well-typed any more is not offered, nor what is not smaller.
import { type Expr, type Program, type Stmt, typeOf } from "./ast.ts";
import { isWellTyped } from "./check.ts";
import { nodesOf, sizeOf } from "./facts.ts";
import {
  namesIn,
  needsDefinitions,
  needsPacket,
  usesFn,
  usesNames,
  usesOp,
  usesType,
  withoutUses,
  zero,
} from "./forget.ts";
import { isBlockKey, isOtherKey, type Path, placesOf, replaceAt } from "./places.ts";
import { int, sameType } from "./types.ts";

/** The boldest first. */
export function* shrinks(program: Program): Generator<Program> {
  const size = sizeOf(program);
  for (const candidate of candidates(program))
    if (sizeOf(candidate) < size && isWellTyped(candidate)) yield candidate;
}

function* candidates(program: Program): Generator<Program> {
  const places = [...placesOf(program)];
  const blocks = places.flatMap((place) => (place.kind === "block" ? [place] : []));
  const exprs = places.flatMap((place) => (place.kind === "expr" ? [place] : []));
  yield* lone(program, blocks);
  for (const { expr } of exprs)
    if (callingKinds.has(expr.kind)) yield closed({ ...program, body: [{ kind: "mix", value: expr }] });
  for (const { path, block } of blocks)
    for (const [from, to] of halves(block)) yield leftOut(program, path, block, { from, to });
  yield* withoutDefinitions(program);
  for (const { path, block } of blocks)
    for (let at = block.length - 1; at >= 0; at -= 1)
      yield leftOut(program, path, block, { from: at, to: at + 1 });
  for (const { path, block } of blocks)
    for (const [at, stmt] of block.entries())
      for (const instead of [...simplerStmts(stmt), ...mixes(stmt), ...justPanics(stmt)])
        yield leftOut(program, path, block, { from: at, to: at + 1, instead });
  for (const { path, expr } of exprs) yield* simpler(program, path, expr);
}

/** Each statement by itself, without all that it is not made of. What ends programs comes last in its block, and is often enough. */
function* lone(program: Program, blocks: readonly { readonly block: readonly Stmt[] }[]): Generator<Program> {
  const nothing = { structs: [], enums: [], ops: [], fns: [] };
  for (const { block } of blocks.toReversed())
    for (const stmt of block.toReversed()) {
      const { packet: _, ...plain } = program;
      const alone = withoutUses([stmt], (node) => needsDefinitions(node) || needsPacket(node));
      yield closed({ ...plain, ...nothing, body: alone });
      yield closed({ ...program, body: [stmt] });
    }
}

/** Expressions that are often enough by themselves. */
const callingKinds = new Set<Expr["kind"]>(["call", "dive", "dyn", "closure", "chain"]);

/** Without the uses of what is declared nowhere. */
function closed(program: Program): Program {
  const declared = new Set(["input", ...program.body.flatMap((stmt) => namesIn(stmt))]);
  return {
    ...program,
    body: withoutUses(
      program.body,
      usesNames((name) => !declared.has(name)),
    ),
  };
}

/** Some statements of a block are not there, or others instead, and nothing refers to what they declare. */
function leftOut(
  program: Program,
  path: Path,
  block: readonly Stmt[],
  { from, to, instead = [] }: { from: number; to: number; instead?: readonly Stmt[] },
): Program {
  const shorter = replaceAt(program, path, block.toSpliced(from, to - from, ...instead));
  const still = new Set(instead.flatMap((stmt) => namesIn(stmt)));
  const gone = new Set(
    block.slice(from, to).flatMap((stmt) => namesIn(stmt).filter((name) => !still.has(name))),
  );
  return gone.size === 0
    ? shorter
    : withoutUses(
        shorter,
        usesNames((name) => gone.has(name)),
      );
}

/** Where halves of a block are. */
function halves({ length }: readonly Stmt[]): (readonly [from: number, to: number])[] {
  if (length < 3) return [];
  const middle = length >> 1;
  return [
    [middle, length],
    [0, middle],
  ];
}

function without<T>(list: readonly T[], at: number): T[] {
  return list.toSpliced(at, 1);
}

/** What is defined goes, with its uses; or what is used gets an empty body. */
function* withoutDefinitions(program: Program): Generator<Program> {
  const { fns, ops, structs, enums, packet, ...rest } = program;
  if (packet) yield withoutUses({ ...rest, fns, ops, structs, enums }, needsPacket);
  for (const at of fns.keys())
    yield renumbered(withoutUses({ ...program, fns: without(fns, at) }, usesFn(at)), at);
  if (ops.length > 0) yield withoutUses({ ...program, ops: ops.slice(0, -1) }, usesOp(ops.length - 1));
  if (structs.length > 0)
    yield withoutType({ ...program, structs: structs.slice(0, -1) }, "struct", structs.length - 1);
  if (enums.length > 0)
    yield withoutType({ ...program, enums: enums.slice(0, -1) }, "enum", enums.length - 1);
  for (const [at, fn] of fns.entries()) {
    yield { ...program, fns: fns.with(at, { ...fn, body: [], result: zero(fn.type) }) };
  }
  for (const at of ops.keys()) yield { ...program, ops: ops.with(at, { body: zero(int("u64")) }) };
}

/** Without values of a type that is gone. */
function withoutType(program: Program, kind: "struct" | "enum", id: number): Program {
  const names = new Set(
    [...nodesOf(program)].flatMap((node) => {
      const { type, name } = node as Partial<Extract<Stmt, { kind: "let" }>>;
      return node.kind === "let" && name !== undefined && type?.kind === kind && type.id === id ? [name] : [];
    }),
  );
  const ofNames = usesNames((name) => names.has(name));
  return withoutUses(program, (node) => usesType(kind, id)(node) || ofNames(node));
}

/** Functions behind one that is gone are called by their new numbers. */
function renumbered<T>(tree: T, gone: number): T {
  if (Array.isArray(tree)) return tree.map((item: unknown) => renumbered(item, gone)) as T;
  if (typeof tree !== "object" || tree === null) return tree;
  const parts = Object.entries(tree).map(([key, part]) => [
    key,
    key === "fn" && typeof part === "number" && part > gone ? part - 1 : renumbered(part, gone),
  ]);
  return Object.fromEntries(parts) as T;
}

/** Lists of statements that can stand for one. */
function simplerStmts(stmt: Stmt): (readonly Stmt[])[] {
  switch (stmt.kind) {
    case "if":
      return [stmt.yes, stmt.no, [{ ...stmt, no: [] }]];
    case "for":
      return [stmt.body, [{ ...stmt, to: stmt.from + ((stmt.to - stmt.from) >> 1) }]];
    case "while":
      return [stmt.body, [{ ...stmt, fuel: Math.max(1, stmt.fuel >> 1) }]];
    case "hold":
    case "noisy":
    case "lock":
      return [stmt.body];
    case "crowd":
      return [
        stmt.body,
        [{ ...stmt, count: stmt.count >> 1 }],
        [{ ...stmt, count: Math.max(1, stmt.count - 1) }],
      ];
    case "record":
      return [stmt.body, [{ ...stmt, size: stmt.size >> 1 }]];
    case "output":
      return [[{ ...stmt, bytes: stmt.bytes.slice(1) }]];
    case "panic":
      return [[{ ...stmt, args: [] }], [{ ...stmt, args: stmt.args.slice(1) }]];
    default:
      return [];
  }
}

/** Whatever panics in a statement can be a panic that says so. */
function justPanics({ kind }: Stmt): Stmt[][] {
  return kind === "panic" ? [] : [[{ kind: "panic", message: "gone wrong", args: [] }]];
}

/** Has what a statement computes take part in the result, instead of whatever is done with it. */
function mixes(stmt: Stmt): Stmt[][] {
  if (stmt.kind === "mix") return [];
  const direct = Object.entries(stmt).flatMap(([key, part]: [string, unknown]) =>
    isBlockKey(key) || isOtherKey(key) ? [] : [part].flat(),
  );
  return direct.flatMap((part): Stmt[][] => {
    const value = part as Expr;
    if (typeof value !== "object" || value === null || !("kind" in value)) return [];
    const type = typeOf(value);
    return type?.kind === "int" || type?.kind === "bool" ? [[{ kind: "mix", value }]] : [];
  });
}

function* simpler(program: Program, path: Path, expr: Expr): Generator<Program> {
  const type = typeOf(expr);
  if (type.kind === "int" || type.kind === "bool") yield replaceAt(program, path, zero(type));
  for (const part of partsOf(expr)) if (sameType(typeOf(part), type)) yield replaceAt(program, path, part);
  if (expr.kind === "int")
    yield replaceAt(program, path, { ...expr, value: String(BigInt(expr.value) / 2n) });
  if (expr.kind === "dive") yield replaceAt(program, path, { ...expr, depth: expr.depth >> 1 });
  if (expr.kind === "dyn") yield replaceAt(program, path, { ...expr, objects: expr.objects.slice(0, 1) });
  if (expr.kind === "matchInt") yield replaceAt(program, path, { ...expr, arms: expr.arms.slice(1) });
  if (expr.kind === "chain") {
    const { slice: _, ...whole } = expr;
    yield replaceAt(program, path, whole);
    for (const at of expr.steps.keys())
      yield replaceAt(program, path, { ...expr, steps: without(expr.steps, at) });
  }
}

/** Expressions directly inside of one. */
function partsOf(expr: Expr): Expr[] {
  return [...placesOf(expr)].flatMap((place) =>
    place.kind === "expr" && place.path.length > 0 ? [place.expr] : [],
  );
}
