// SPDX-License-Identifier: MIT
// What is written to bytes in a row, and what is done to a packet.
import type { Expr, Stmt } from "../ast.ts";
import { type Field, type HeaderName, headerNames, headers } from "../headers.ts";
import { int } from "../types.ts";
import { lengthOf, someSource, startsIn } from "./bytes.ts";
import type { Draw } from "./draw.ts";
import { makeExpr, makeIndex, makeInt } from "./expressions.ts";
import { someInt } from "./leaves.ts";
import type { Place } from "./scope.ts";

export function changeBytes(draw: Draw, place: Place, room: number): Stmt {
  const source = someSource(draw, place, true);
  const length = Math.max(1, lengthOf(source, place));
  const index = (most: number) => makeIndex(draw, place, Math.max(1, most), 2);
  const byte = () => makeInt(draw, place, int("u8"), room);
  return draw.weighted<() => Stmt>([
    [4, () => ({ kind: "byteSet", source, index: index(length), value: byte() })],
    [1, () => ({ kind: "byteFill", source, from: index(length >> 1), to: index(length + 1), value: byte() })],
    [
      3,
      () => {
        const type = someInt(draw);
        const from = index(startsIn(draw, length, type));
        return { kind: "convertSet", source, from, type, value: makeInt(draw, place, type, room) };
      },
    ],
  ])();
}

export function changePacket(draw: Draw, place: Place, room: number): Stmt {
  return draw.weighted<() => Stmt>([
    [4, () => setHeader(draw, place, room)],
    [
      place.packet === "xdp" ? 3 : 0,
      () => ({ kind: "adjust", end: draw.pick(["head", "tail"] as const), by: distance(draw, place) }),
    ],
    [1, () => ({ kind: "checksum" })],
  ])();
}

function setHeader(draw: Draw, place: Place, room: number): Stmt {
  const header: HeaderName = draw.pick(headerNames);
  const { name: field, type }: Field = draw.pick(headers[header].fields);
  return { kind: "headerSet", header, field, type, value: makeExpr(draw, place, type, room) };
}

/** Small steps, steps that are too large, and any. */
function distance(draw: Draw, place: Place): Expr {
  const type = int("i32");
  if (draw.percent(20)) return makeInt(draw, place, type, 2);
  const value = draw.percent(85) ? draw.int(-24, 24) : draw.pick([-5_000, -300, 300, 5_000] as const);
  return { kind: "int", type, value: String(value) };
}
