// SPDX-License-Identifier: MIT
// What is in reach at a place of a program that is being made.
import type { Fn, PacketHook } from "../ast.ts";
import { type IntName, sameType, type Type } from "../types.ts";

export interface Variable {
  readonly name: string;
  readonly type: Type;
  readonly mutable: boolean;
}

/** What is the same everywhere in a program. */
export interface World {
  readonly structs: readonly { readonly fields: readonly IntName[] }[];
  readonly enums: readonly { readonly variants: readonly (readonly IntName[])[] }[];
  ops: number;
  fns: readonly Fn[];
  names: number;
  /** There is a crowd of held resources; two would take too much of the stack. */
  isCrowded: boolean;
  /** Statements that may still be made. */
  statementsLeft: number;
}

export interface Place {
  readonly world: World;
  readonly variables: readonly Variable[];
  /** Records of the ring buffer that are being filled. */
  readonly records: readonly { readonly name: string; readonly size: number }[];
  /** Names of values under their locks. */
  readonly locks: readonly string[];
  /** There is a packet. Not in closures: it is one's own. */
  readonly packet: PacketHook | undefined;
  /** The body of the program itself. */
  readonly main: boolean;
  /** Break and continue are possible. */
  readonly inLoop: boolean;
  /** What `return` returns; absent where there is none. */
  readonly returns?: IntName;
  /** How deep loops are nested. */
  readonly loops: number;
}

export function freshName(world: World, prefix: string): string {
  world.names += 1;
  return `${prefix}${world.names}`;
}

export function withVariables(place: Place, ...added: readonly Variable[]): Place {
  return { ...place, variables: [...place.variables, ...added] };
}

export function inClosure(place: Place, ...added: readonly Variable[]): Place {
  return { ...withVariables(place, ...added), packet: undefined };
}

export function variablesOf(place: Place, type: Type): readonly Variable[] {
  return place.variables.filter((variable) => sameType(variable.type, type));
}

export function variablesOfKind<K extends Type["kind"]>(
  place: Place,
  kind: K,
): readonly (Variable & { readonly type: Extract<Type, { kind: K }> })[] {
  return place.variables.filter(
    (variable): variable is Variable & { readonly type: Extract<Type, { kind: K }> } =>
      variable.type.kind === kind,
  );
}
