// SPDX-License-Identifier: MIT
// The same program in other words: whatever the compiler makes of them, they do the same. And programs that go on for longer than is predicted.
import type { Expr, Fn, Program, Stmt } from "./ast.ts";
import { recursionAtMost } from "./check.ts";
import { isTame, nodesOf } from "./facts.ts";
import { placesOf, replaceAt } from "./places.ts";
import { int } from "./types.ts";

export const variantNames = [
  "inlined",
  "outlined",
  "opaque",
  "clear",
  "checked",
  "unrolled",
  "recursive",
] as const;
export type VariantName = (typeof variantNames)[number];

/** A copy in any case: all its nodes are its own. */
export function variantOf(program: Program, name: VariantName): Program {
  return JSON.parse(JSON.stringify(changes[name](program))) as Program;
}

const changes: Readonly<Record<VariantName, (program: Program) => Program>> = {
  /** Functions are part of those that call them, but for recursive ones. */
  inlined: (program) => ({ ...program, fns: program.fns.map((fn) => withInline(fn, "always")) }),
  outlined: (program) => ({ ...program, fns: program.fns.map((fn) => withInline(fn, "never")) }),
  /** The optimiser is told no number. */
  opaque: (program) => eachExpr(program, (expr) => (expr.kind === "int" ? blackBox(expr) : expr)),
  /** It is told all of them. */
  clear: (program) => eachExpr(program, (expr) => (expr.kind === "blackBox" ? expr.value : expr)),
  /** There is a call through a pointer, which is never made: no bound of the stack can be proved, and it is checked instead. */
  checked: (program) => ({ ...program, body: [neverCalled, ...program.body] }),
  unrolled: (program) => mapBlocks(program, unrolled),
  recursive: (program) => mapBlocks(program, (block) => block.map(recursive)),
};

function withInline(fn: Fn, inline: Fn["inline"]): Fn {
  return fn.frameWords === undefined ? { ...fn, inline } : fn;
}

function blackBox(value: Extract<Expr, { kind: "int" }>): Expr {
  return { kind: "blackBox", type: value.type, value };
}

/** Innermost ones first. */
function eachExpr(program: Program, change: (expr: Expr) => Expr): Program {
  const places = [...placesOf(program)].filter((place) => place.kind === "expr");
  return places.reverse().reduce((changed, { path }) => {
    const expr = at(changed, path) as Expr;
    const instead = change(expr);
    return instead === expr ? changed : replaceAt(changed, path, instead);
  }, program);
}

function at(tree: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((part, key) => (part as Readonly<Record<string | number, unknown>>)[key], tree);
}

const word = int("u64");
const zero: Expr = { kind: "int", type: word, value: "0" };
const neverCalled: Stmt = {
  kind: "if",
  condition: { kind: "blackBox", type: { kind: "bool" }, value: { kind: "bool", value: false } },
  yes: [
    {
      kind: "mix",
      value: {
        kind: "closure",
        how: "dyn",
        param: "c0",
        body: { kind: "var", name: "c0", type: word },
        argument: zero,
      },
    },
  ],
  no: [],
};

function mapBlocks(program: Program, change: (block: readonly Stmt[]) => readonly Stmt[]): Program {
  const places = [...placesOf(program)].filter((place) => place.kind === "block");
  return places.reverse().reduce((changed, { path }) => {
    const block = at(changed, path) as readonly Stmt[];
    return replaceAt(changed, path, change(block));
  }, program);
}

function recursive(stmt: Stmt): Stmt {
  if (stmt.kind !== "for" || stmt.to - stmt.from > recursionAtMost) return stmt;
  const stays = !nodesOf(stmt.body).some(({ kind }) =>
    ["break", "continue", "return", "crowd"].includes(kind),
  );
  return stays ? { ...stmt, recursive: true } : stmt;
}

const roundsAtMost = 4;

function unrolled(block: readonly Stmt[]): readonly Stmt[] {
  return block.flatMap((stmt): readonly Stmt[] => {
    if (stmt.kind !== "for" || stmt.to - stmt.from > roundsAtMost || leaves(stmt.body)) return [stmt];
    const rounds = Array.from({ length: Math.max(0, stmt.to - stmt.from) }, (_, round) => stmt.from + round);
    return (stmt.reversed ? rounds.reverse() : rounds).map((round): Stmt => {
      const type = int(stmt.int);
      const init: Expr = { kind: "int", type, value: String(round) };
      const declared: Stmt = { kind: "let", name: stmt.name, mutable: false, type, init };
      return { kind: "if", condition: { kind: "bool", value: true }, yes: [declared, ...stmt.body], no: [] };
    });
  });
}

/** There is a break or a continue in it, of whatever loop. */
function leaves(body: readonly Stmt[]): boolean {
  return nodesOf(body).some(({ kind }) => kind === "break" || kind === "continue");
}

/** Loops go on for so many times as long, of programs that are tame. */
export function longer(program: Program, times: number): Program | undefined {
  if (!isTame(program)) return undefined;
  return mapBlocks(program, (block) =>
    block.map((stmt) => {
      if (stmt.kind === "while") return { ...stmt, fuel: stmt.fuel * times };
      if (stmt.kind !== "for" || stmt.recursive) return stmt;
      // Within the smallest of the types that loops count in.
      return { ...stmt, to: Math.min(200, stmt.from + (stmt.to - stmt.from) * times) };
    }),
  );
}
