// SPDX-License-Identifier: MIT
// Statements, one after the other, each in reach of what those before it declared.
import type { ArithmeticOp, HoldKind, RecordEnd, Stmt } from "../ast.ts";
import { bool, type IntName, int, type Type } from "../types.ts";
import { hasBytes } from "./bytes.ts";
import type { Draw } from "./draw.ts";
import { canDive, makeBool, makeDive, makeExpr, makeIndex } from "./expressions.ts";
import { literal, someInt } from "./leaves.ts";
import { freshName, type Place, withVariables } from "./scope.ts";
import { changeBytes, changePacket } from "./writes.ts";

/** How deep expressions in statements are nested. */
const exprRoom = 3;

/** `room` bounds how deep blocks are nested. */
export function makeBlock(draw: Draw, place: Place, atMost: number, room: number): Stmt[] {
  const made: Stmt[] = [];
  let here = place;
  for (let count = draw.int(1, atMost); count > 0 && place.world.statementsLeft > 0; count -= 1) {
    place.world.statementsLeft -= 1;
    const stmt = makeStmt(draw, here, room);
    made.push(stmt);
    if (stmt.kind === "let")
      here = withVariables(here, { name: stmt.name, type: stmt.type, mutable: stmt.mutable });
    if (endsBlock(stmt)) break;
  }
  return made;
}

function endsBlock({ kind }: Stmt): boolean {
  return ["break", "continue", "return", "panic", "bomb", "spin"].includes(kind);
}

function makeStmt(draw: Draw, place: Place, room: number): Stmt {
  const nested = room > 0;
  const mutable = place.variables.filter((variable) => variable.mutable);
  return draw.weighted<() => Stmt>([
    [9, () => declare(draw, place)],
    [9, () => mix(draw, place)],
    [mutable.length > 0 ? 8 : 0, () => assign(draw, place)],
    [4, () => changeMap(draw, place)],
    [hasBytes(place, true) ? 4 : 0, () => changeBytes(draw, place, exprRoom - 1)],
    [place.packet ? 4 : 0, () => changePacket(draw, place, exprRoom - 1)],
    [place.locks.length > 0 ? 5 : 0, () => changeLocked(draw, place)],
    [nested ? 5 : 0, () => branch(draw, place, room)],
    [nested && place.loops < 2 ? 4 : 0, () => loop(draw, place, room)],
    [nested ? 3 : 0, () => scoped(draw, place, room)],
    [nested ? 4 : 0, () => rarely(draw, place)],
    [canDive(place) ? 2 : 0, () => ({ kind: "mix", value: makeDive(draw, place, exprRoom - 2) })],
  ])();
}

function declare(draw: Draw, place: Place): Stmt {
  const type = someType(draw, place);
  const init = makeExpr(draw, place, type, exprRoom);
  return { kind: "let", name: freshName(place.world, "v"), mutable: draw.percent(60), type, init };
}

function someType(draw: Draw, { world }: Place): Type {
  return draw.weighted<() => Type>([
    [8, () => someInt(draw)],
    [1, () => bool],
    [4, () => ({ kind: "array", of: someInt(draw).int, length: draw.int(1, 6) })],
    [2, () => ({ kind: "array", of: "u8", length: draw.int(2, 16) })],
    [world.structs.length > 0 ? 3 : 0, () => ({ kind: "struct", id: draw.int(0, world.structs.length - 1) })],
    [world.enums.length > 0 ? 2 : 0, () => ({ kind: "enum", id: draw.int(0, world.enums.length - 1) })],
  ])();
}

function mix(draw: Draw, place: Place): Stmt {
  return { kind: "mix", value: makeExpr(draw, place, draw.percent(90) ? someInt(draw) : bool, exprRoom) };
}

function assign(draw: Draw, place: Place): Stmt {
  const { name, type } = draw.pick(place.variables.filter((variable) => variable.mutable));
  if (type.kind === "array" && draw.percent(80)) {
    const index = makeIndex(draw, place, type.length, 2);
    const value = makeExpr(draw, place, int(type.of), exprRoom - 1);
    return { kind: "assignIndex", array: name, of: type, index, value };
  }
  if (type.kind === "struct" && draw.percent(80)) {
    const fields = place.world.structs[type.id]?.fields ?? [];
    const field = draw.int(0, fields.length - 1);
    const to = makeExpr(draw, place, int(fields[field] ?? "u64"), exprRoom - 1);
    return { kind: "assignField", value: name, struct: type.id, field, to };
  }
  if (type.kind === "int" && draw.percent(40)) {
    const op: ArithmeticOp = draw.pick(["+", "-", "*", "/", "%"] as const);
    // Small numbers, or hardly a loop would come to its end.
    const value = draw.percent(70) ? literal(draw, type.int) : makeExpr(draw, place, type, 1);
    return { kind: "compound", name, type, op, value };
  }
  return { kind: "assign", name, value: makeExpr(draw, place, type, exprRoom) };
}

function changeMap(draw: Draw, place: Place): Stmt {
  const key = makeExpr(draw, place, int("u32"), 1);
  const value = () => makeExpr(draw, place, int("u64"), exprRoom - 1);
  return draw.weighted<() => Stmt>([
    [3, () => ({ kind: "mapSet", map: "array", key, value: value() })],
    [3, () => ({ kind: "mapSet", map: "hash", key, value: value() })],
    [2, () => ({ kind: "mapDelete", key })],
    [2, () => ({ kind: "mapAdd", key, value: value() })],
    [2, () => ({ kind: "vaultSet", key, value: value() })],
    [1, () => ({ kind: "vaultDelete", key })],
    [1, () => ({ kind: "output", bytes: draw.list(0, 8, () => makeExpr(draw, place, int("u8"), 1)) })],
  ])();
}

function changeLocked(draw: Draw, place: Place): Stmt {
  const value = makeExpr(draw, place, int("u64"), exprRoom - 1);
  return { kind: "lockedSet", name: draw.pick(place.locks), value };
}

function branch(draw: Draw, place: Place, room: number): Stmt {
  const condition = makeBool(draw, place, 2);
  const yes = makeBlock(draw, place, 3, room - 1);
  return { kind: "if", condition, yes, no: draw.percent(40) ? makeBlock(draw, place, 3, room - 1) : [] };
}

function loop(draw: Draw, place: Place, room: number): Stmt {
  const inside: Place = { ...place, inLoop: true, loops: place.loops + 1 };
  if (draw.percent(65)) {
    const of: IntName = draw.pick(["u8", "u32", "i32", "u64", "i64"] as const);
    const name = freshName(place.world, "i");
    const from = draw.int(0, 3);
    // Now and then it is a closure that is called: nothing leaves it.
    const recursive = draw.percent(10) ? { recursive: true } : {};
    const { returns: _, ...closure } = { ...inside, inLoop: false, main: false };
    const around = recursive.recursive ? closure : inside;
    const body = makeBlock(draw, withVariables(around, { name, type: int(of), mutable: false }), 4, room - 1);
    const to = from + draw.int(0, 8);
    return { kind: "for", name, int: of, from, to, reversed: draw.percent(20), ...recursive, body };
  }
  const condition = makeBool(draw, place, 2);
  return {
    kind: "while",
    fuelName: freshName(place.world, "fuel"),
    fuel: draw.int(1, 10),
    condition,
    body: makeBlock(draw, inside, 4, room - 1),
  };
}

function scoped(draw: Draw, place: Place, room: number): Stmt {
  const bodyIn = (inside: Place) => makeBlock(draw, inside, 4, room - 1);
  return draw.weighted<() => Stmt>([
    [
      4,
      () => ({
        kind: "hold",
        what: someHold(draw),
        name: freshName(place.world, "held"),
        body: bodyIn(place),
      }),
    ],
    [place.main && !place.world.isCrowded ? 1 : 0, () => crowd(draw, place, bodyIn)],
    // One while another one is held panics: now and then.
    [place.locks.length === 0 || draw.percent(15) ? 4 : 0, () => lock(draw, place, bodyIn)],
    [4, () => record(draw, place, bodyIn)],
    [4, () => noisy(draw, place, bodyIn)],
  ])();
}

type BodyIn = (place: Place) => Stmt[];

function someHold(draw: Draw): HoldKind {
  return draw.pick(["task", "record"] as const);
}

/** Programs may hold 32 resources: often around that many. Only in the program's own body: all of them are in its frame. */
function crowd(draw: Draw, place: Place, bodyIn: BodyIn): Stmt {
  place.world.isCrowded = true;
  const name = freshName(place.world, "held");
  const count = draw.percent(60) ? draw.int(29, 34) : draw.int(1, 36);
  return { kind: "crowd", what: someHold(draw), name, count, body: bodyIn(place) };
}

function lock(draw: Draw, place: Place, bodyIn: BodyIn): Stmt {
  const map = draw.pick(["accounts", "accounts", "vault"] as const);
  const key = makeExpr(draw, place, int("u32"), 1);
  const name = freshName(place.world, "locked");
  const inside: Place = { ...place, locks: [...place.locks, name] };
  const body = bodyIn(inside);
  const last = body.at(-1);
  return {
    kind: "lock",
    map,
    key,
    name,
    body: last && endsBlock(last) ? body : [...body, ...inTheEnd(draw, inside)],
  };
}

/** What hardly anything that is made of everything gets to under a lock: interrupts are off there, and there is one lock at a time. */
function inTheEnd(draw: Draw, place: Place): Stmt[] {
  return draw.weighted<() => Stmt[]>([
    [60, () => []],
    [16, () => [spin(draw)]],
    [24, () => [lock(draw, place, (inside) => [mix(draw, inside)])]],
  ])();
}

function spin(draw: Draw): Stmt {
  return { kind: "spin", how: draw.pick(["empty", "counting", "helper"] as const) };
}

function record(draw: Draw, place: Place, bodyIn: BodyIn): Stmt {
  const [name, size] = [freshName(place.world, "record"), draw.int(0, 24)];
  const end = draw.weighted<RecordEnd>([
    [6, "submit"],
    [1, "discard"],
    [1, "drop"],
  ]);
  const body = bodyIn({ ...place, records: [...place.records, { name, size }] });
  return { kind: "record", name, size, end, body };
}

function noisy(draw: Draw, place: Place, bodyIn: BodyIn): Stmt {
  const value = makeExpr(draw, place, int("u64"), 2);
  return { kind: "noisy", name: freshName(place.world, "noisy"), value, body: bodyIn(place) };
}

const messages = ["gone wrong", "this must not happen", "at the end of it", "zażółć gęślą jaźń"] as const;

/** What ends a program, or the block that it is in: behind a condition, so that something comes after it. */
function rarely(draw: Draw, place: Place): Stmt {
  const condition = makeBool(draw, place, 2);
  const { inLoop, returns } = place;
  const inner = draw.weighted<() => Stmt>([
    [inLoop ? 8 : 0, () => ({ kind: "break" })],
    [inLoop ? 6 : 0, () => ({ kind: "continue" })],
    [
      returns === undefined ? 0 : 6,
      () => ({ kind: "return", value: makeExpr(draw, place, int(returns ?? "u64"), 2) }),
    ],
    [
      10,
      () => {
        const args = draw.list(0, 2, () => makeExpr(draw, place, someInt(draw), 2));
        return { kind: "panic", message: draw.pick(messages), args };
      },
    ],
    [2, () => ({ kind: "bomb", value: makeExpr(draw, place, int("u64"), 1) })],
    // Each costs a tenth of a second.
    [1, () => spin(draw)],
  ])();
  return { kind: "if", condition, yes: [inner], no: [] };
}
