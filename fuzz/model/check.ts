// SPDX-License-Identifier: MIT
// Whether a program is well-typed, all its names in scope. Generated programs are; of what shrinking makes of them, only those are used that
// still are.
import type { Fn, Program, Stmt } from "./ast.ts";
import { add, ExprChecker, expect, hold, type Scope, scopeOf, TypeMistake, word } from "./check-expr.ts";
import { bool, int, sameType } from "./types.ts";

export function isWellTyped(program: Program): boolean {
  try {
    new Checker(program).program();
    return true;
  } catch (error) {
    if (error instanceof TypeMistake) return false;
    throw error;
  }
}

/** The printed program has room for so many. */
export const outputBytesAtMost = 32;

const crowdAtMost = 40;
/** Rounds of a loop that calls itself: their frames surely fit. */
export const recursionAtMost = 12;

class Checker {
  readonly #program: Program;
  readonly #exprs: ExprChecker;
  #crowds = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#exprs = new ExprChecker(program);
  }

  program(): void {
    const { ops, fns, structs, enums, body, packet } = this.#program;
    expect(packet === undefined || packet === "xdp" || packet === "tc", "another kind of packet");
    expect(
      structs.every(({ fields }) => fields.length > 0) && enums.every(({ variants }) => variants.length > 0),
      "an empty type",
    );
    for (const op of ops)
      this.#exprs.expr(
        op.body,
        scopeOf(
          [
            ["value", word],
            ["x", word],
          ],
          0,
        ),
        word,
      );
    fns.forEach((fn, index) => {
      this.#fn(fn, index);
    });
    this.#block(body, { ...scopeOf([["input", word]], fns.length), returns: "u64", isMain: true, packet });
  }

  #fn(fn: Fn, index: number): void {
    const params = fn.params.map(({ name, type }) => [name, type] as const);
    const scope: Scope = { ...scopeOf(params, index), returns: fn.type.int };
    this.#block(fn.body, scope);
    this.#exprs.expr(fn.result, fn.frameWords === undefined ? scope : add(scope, "below", word), fn.type);
  }

  #block(stmts: readonly Stmt[], scope: Scope): void {
    let here = scope;
    for (const stmt of stmts) {
      this.#stmt(stmt, here);
      if (stmt.kind === "let") here = add(here, stmt.name, stmt.type, stmt.mutable);
    }
  }

  #stmt(stmt: Stmt, scope: Scope): void {
    switch (stmt.kind) {
      case "let":
        this.#exprs.expr(stmt.init, scope, stmt.type);
        break;
      case "assign":
        this.#exprs.expr(stmt.value, scope, this.#exprs.variable(stmt.name, scope, true));
        break;
      case "compound":
        expect(sameType(this.#exprs.variable(stmt.name, scope, true), stmt.type), stmt.name);
        this.#exprs.expr(stmt.value, scope, stmt.type);
        break;
      case "assignIndex":
        expect(sameType(this.#exprs.variable(stmt.array, scope, true), stmt.of), stmt.array);
        this.#exprs.anyInt(stmt.index, scope);
        this.#exprs.expr(stmt.value, scope, int(stmt.of.of));
        break;
      case "assignField":
        this.#exprs.expr(
          stmt.to,
          scope,
          this.#exprs.field(stmt, this.#exprs.variable(stmt.value, scope, true)),
        );
        break;
      case "mix":
        this.#exprs.intOrBool(stmt.value, scope);
        break;
      case "if":
        this.#exprs.expr(stmt.condition, scope, bool);
        this.#block(stmt.yes, scope);
        this.#block(stmt.no, scope);
        break;
      case "for":
        this.#for(stmt, add(scope, stmt.name, int(stmt.int)));
        break;
      case "while":
        this.#exprs.expr(stmt.condition, scope, bool);
        this.#block(stmt.body, { ...scope, inLoop: true });
        break;
      case "break":
      case "continue":
        expect(scope.inLoop, stmt.kind);
        break;
      case "return":
        expect(scope.returns !== undefined, "return");
        this.#exprs.expr(stmt.value, scope, int(scope.returns));
        break;
      case "mapSet":
      case "mapAdd":
        this.#exprs.expr(stmt.key, scope, int("u32"));
        this.#exprs.expr(stmt.value, scope, word);
        break;
      case "vaultSet":
        this.#exprs.expr(stmt.key, scope, int("u32"));
        this.#exprs.expr(stmt.value, scope, word);
        break;
      case "mapDelete":
      case "vaultDelete":
        this.#exprs.expr(stmt.key, scope, int("u32"));
        break;
      case "panic":
        for (const arg of stmt.args) this.#exprs.intOrBool(arg, scope);
        break;
      case "bomb":
        this.#exprs.expr(stmt.value, scope, word);
        break;
      case "crowd":
        // All of them are in the frame, which must not be larger than a page.
        this.#crowds += 1;
        expect(this.#crowds === 1 && scope.isMain && stmt.count <= crowdAtMost, "too many at once");
        this.#block(stmt.body, scope);
        break;
      case "hold":
        this.#block(stmt.body, scope);
        break;
      case "lock":
        this.#exprs.expr(stmt.key, scope, int("u32"));
        this.#block(stmt.body, hold(scope, stmt.name, "lock"));
        break;
      case "record":
        this.#block(stmt.body, hold(scope, stmt.name, "record"));
        break;
      case "lockedSet":
        this.#exprs.locked(stmt.name, scope);
        this.#exprs.expr(stmt.value, scope, word);
        break;
      case "output":
        expect(stmt.bytes.length <= outputBytesAtMost, "a record that is too long");
        for (const byte of stmt.bytes) this.#exprs.expr(byte, scope, int("u8"));
        break;
      case "byteSet":
      case "byteFill":
      case "convertSet":
        this.#bytes(stmt, scope);
        break;
      case "headerSet":
        this.#exprs.header(stmt, scope);
        this.#exprs.expr(stmt.value, scope, stmt.type);
        break;
      case "adjust":
        expect(scope.packet === "xdp", "there is no packet whose ends move");
        this.#exprs.expr(stmt.by, scope, int("i32"));
        break;
      case "checksum":
        expect(scope.packet !== undefined, "there is no packet");
        break;
      case "noisy":
        this.#exprs.expr(stmt.value, scope, word);
        this.#block(stmt.body, scope);
        break;
      case "spin":
        break;
    }
  }
  #for({ recursive, from, to, body }: Extract<Stmt, { kind: "for" }>, scope: Scope): void {
    if (!recursive) {
      this.#block(body, { ...scope, inLoop: true });
      return;
    }
    expect(to - from <= recursionAtMost, "too many calls of itself");
    // In a closure.
    this.#block(body, { ...scope, inLoop: false, returns: undefined, isMain: false });
  }

  #bytes(stmt: Extract<Stmt, { kind: "byteSet" | "byteFill" | "convertSet" }>, scope: Scope): void {
    this.#exprs.source(stmt.source, scope, true);
    if (stmt.kind === "byteSet") this.#exprs.anyInt(stmt.index, scope);
    else this.#exprs.anyInt(stmt.from, scope);
    if (stmt.kind === "byteFill") this.#exprs.anyInt(stmt.to, scope);
    this.#exprs.expr(stmt.value, scope, stmt.kind === "convertSet" ? stmt.type : int("u8"));
  }
}
