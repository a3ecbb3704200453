// SPDX-License-Identifier: MIT
// A program made of another one, which has reached something that others have not: here and there something is put in, left out, replaced by
// what the generator makes or by a part of a third program. What would not be well-typed any more is not offered.
import { type Expr, type Program, type Stmt, typeOf } from "./ast.ts";
import { isWellTyped } from "./check.ts";
import type { Draw } from "./generate/draw.ts";
import { makeExpr } from "./generate/expressions.ts";
import { makeBlock } from "./generate/statements.ts";
import { type FoundPlace, placesOf, replaceAt } from "./places.ts";
import { placeAt } from "./reach.ts";
import { sameType } from "./types.ts";

const changesAtMost = 4;
/** Of what is not well-typed, something else is tried. */
const triesAtMost = 20;

type Change = (program: Program, other: Program, draw: Draw) => Program | undefined;

const changes: readonly (readonly [weight: number, change: Change])[] = [
  [5, insertStatements],
  [4, replaceExpression],
  [2, leaveOut],
  [1, swap],
  [3, takeBlockOf],
  [2, takeExpressionOf],
  [4, changeNumber],
];

/** Made of `program`, and of parts of `other`. A copy in any case: all its nodes are its own. */
export function mutated(program: Program, other: Program, draw: Draw): Program {
  let made = program;
  for (let left = draw.int(1, changesAtMost); left > 0; left -= 1) {
    for (let tries = 0; tries < triesAtMost; tries += 1) {
      const candidate = draw.weighted(changes)(made, other, draw);
      if (candidate === undefined || !isWellTyped(candidate)) continue;
      made = candidate;
      break;
    }
  }
  return JSON.parse(JSON.stringify(made)) as Program;
}

type BlockPlace = Extract<FoundPlace, { kind: "block" }>;
type ExprPlace = Extract<FoundPlace, { kind: "expr" }>;

function blocksOf(program: Program): BlockPlace[] {
  return [...placesOf(program)].flatMap((place) => (place.kind === "block" ? [place] : []));
}

function exprsOf(program: Program): ExprPlace[] {
  return [...placesOf(program)].flatMap((place) => (place.kind === "expr" ? [place] : []));
}

function insertStatements(program: Program, _: Program, draw: Draw): Program {
  const { path, block } = draw.pick(blocksOf(program));
  const at = draw.int(0, block.length);
  const made = makeBlock(draw, placeAt(program, [...path, at]), 3, 2);
  return replaceAt(program, path, block.toSpliced(at, 0, ...made));
}

function replaceExpression(program: Program, _: Program, draw: Draw): Program | undefined {
  const exprs = exprsOf(program);
  if (exprs.length === 0) return undefined;
  const { path, expr } = draw.pick(exprs);
  return replaceAt(program, path, makeExpr(draw, placeAt(program, path), typeOf(expr), 3));
}

function leaveOut(program: Program, _: Program, draw: Draw): Program | undefined {
  const blocks = blocksOf(program).filter(({ block }) => block.length > 0);
  if (blocks.length === 0) return undefined;
  const { path, block } = draw.pick(blocks);
  return replaceAt(program, path, block.toSpliced(draw.int(0, block.length - 1), 1));
}

function swap(program: Program, _: Program, draw: Draw): Program | undefined {
  const blocks = blocksOf(program).filter(({ block }) => block.length > 1);
  if (blocks.length === 0) return undefined;
  const { path, block } = draw.pick(blocks);
  const at = draw.int(0, block.length - 2);
  const [first, second] = block.slice(at, at + 2) as [Stmt, Stmt];
  return replaceAt(program, path, block.toSpliced(at, 2, second, first));
}

function takeBlockOf(program: Program, other: Program, draw: Draw): Program {
  const { path, block } = draw.pick(blocksOf(program));
  const taken = draw.pick(blocksOf(other)).block;
  const at = draw.int(0, block.length);
  return replaceAt(program, path, block.toSpliced(at, 0, ...taken));
}

function takeExpressionOf(program: Program, other: Program, draw: Draw): Program | undefined {
  const exprs = exprsOf(program);
  if (exprs.length === 0) return undefined;
  const { path, expr } = draw.pick(exprs);
  const alike = exprsOf(other).filter(({ expr: theirs }) => sameType(typeOf(theirs), typeOf(expr)));
  return alike.length === 0 ? undefined : replaceAt(program, path, draw.pick(alike).expr);
}

/** A literal becomes another one; a loop or a recursion goes on for longer, or not so long. */
function changeNumber(program: Program, _: Program, draw: Draw): Program | undefined {
  const numbers = exprsOf(program).flatMap(({ path, expr }) => {
    const instead = otherNumber(expr, draw);
    return instead === undefined ? [] : [{ path, instead }];
  });
  const loops = blocksOf(program).flatMap(({ path, block }) =>
    block.flatMap((stmt, at) => {
      const instead = otherExtent(stmt, draw);
      return instead === undefined ? [] : [{ path, instead: block.with(at, instead) }];
    }),
  );
  const all = [...numbers, ...loops];
  if (all.length === 0) return undefined;
  const { path, instead } = draw.pick(all);
  return replaceAt(program, path, instead);
}

function otherNumber(expr: Expr, draw: Draw): Expr | undefined {
  if (expr.kind === "int") return { ...expr, value: String(draw.literal(expr.type.int)) };
  if (expr.kind === "dive") return { ...expr, depth: draw.int(0, 2 * expr.depth + 1) };
  return undefined;
}

function otherExtent(stmt: Stmt, draw: Draw): Stmt | undefined {
  if (stmt.kind === "for") return { ...stmt, to: stmt.from + draw.int(0, 12) };
  if (stmt.kind === "while") return { ...stmt, fuel: draw.int(1, 12) };
  return undefined;
}
