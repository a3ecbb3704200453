// SPDX-License-Identifier: MIT
// Small programs written by hand, for tests.
import type { Expr, Program, Stmt } from "../model/ast.ts";
import { type IntName, int } from "../model/types.ts";

export function num(value: number | bigint, type: IntName = "u64"): Expr {
  return { kind: "int", type: int(type), value: String(value) };
}

export function variable(name: string, type: IntName = "u64"): Expr {
  return { kind: "var", name, type: int(type) };
}

export function mixed(value: Expr): Stmt {
  return { kind: "mix", value };
}

export function programOf(...body: readonly Stmt[]): Program {
  return { structs: [], enums: [], ops: [], fns: [], body };
}
