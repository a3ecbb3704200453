// SPDX-License-Identifier: MIT
// What is read of bytes in a row and of a packet's headers.
import type { ByteSource, Expr } from "../ast.ts";
import { headerNames, headers } from "../headers.ts";
import type { IntType } from "../types.ts";
import type { Draw } from "./draw.ts";
import { leaf } from "./leaves.ts";
import { type Place, variablesOfKind } from "./scope.ts";

/** Indices in a packet are drawn as if it were this long: most are. */
const usualPacketBytes = 44;

function sourcesIn(place: Place, changed: boolean): readonly ByteSource[] {
  const arrays = variablesOfKind(place, "array").flatMap(({ name, type, mutable }): ByteSource[] =>
    type.of === "u8" && (mutable || !changed) ? [{ kind: "array", name, length: type.length }] : [],
  );
  const records = place.records.map(({ name }): ByteSource => ({ kind: "record", name }));
  return [...arrays, ...records, ...(place.packet ? [{ kind: "packet" } as const] : [])];
}

export function hasBytes(place: Place, changed = false): boolean {
  return sourcesIn(place, changed).length > 0;
}

/** A copy, because every node is an object of its own. */
export function someSource(draw: Draw, place: Place, changed = false): ByteSource {
  return { ...draw.pick(sourcesIn(place, changed)) };
}

export function lengthOf(source: ByteSource, place: Place): number {
  if (source.kind === "array") return source.length;
  if (source.kind === "packet") return usualPacketBytes;
  return place.records.find(({ name }) => name === source.name)?.size ?? 0;
}

/** Makes an index into so many. */
type MakeIndex = (length: number) => Expr;

/** An integer that is made of bytes. */
export function fromBytes(draw: Draw, place: Place, type: IntType, index: MakeIndex): Expr {
  if (place.packet && draw.percent(45)) return headerField(draw, place, type);
  if (!hasBytes(place)) return leaf(draw, place, type);
  const source = someSource(draw, place);
  const length = lengthOf(source, place);
  if (type.int === "u64" && draw.percent(15)) return { kind: "byteCount", source };
  if (type.int === "u8" && draw.percent(60))
    return { kind: "byteAt", source, index: index(Math.max(1, length)) };
  return { kind: "convert", source, from: index(startsIn(draw, length, type)), type };
}

/** How many places a number may begin at: mostly those where it is all there. */
export function startsIn(draw: Draw, length: number, type: IntType): number {
  const bytes = Number(type.int.slice(1)) / 8;
  return Math.max(1, length - (draw.percent(85) ? bytes - 1 : 0));
}

function headerField(draw: Draw, place: Place, type: IntType): Expr {
  const all = headerNames.flatMap((header) =>
    headers[header].fields.flatMap((field) => (field.type.int === type.int ? [{ header, field }] : [])),
  );
  if (all.length === 0) return leaf(draw, place, type);
  const { header, field } = draw.pick(all);
  return { kind: "header", header, field: field.name, type };
}
