// SPDX-License-Identifier: MIT
// What is in reach at a place of a program that is being made.
import type { Fn } from "../ast.ts";
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
  /** Statements that may still be made. */
  statementsLeft: number;
}

export interface Place {
  readonly world: World;
  readonly variables: readonly Variable[];
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
