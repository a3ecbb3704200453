// SPDX-License-Identifier: MIT
// A program as a Rust module. A statement's expressions are on one line with it, so that the line of a panic follows from the statement.
import type { Fn, PacketHook, Program, Stmt } from "./ast.ts";
import { nodesOf } from "./facts.ts";
import { exprText } from "./print-expr.ts";
import { simpleText } from "./print-stmt.ts";

/**
 * What a line can be asked of: a statement, the Fn whose result it is, the Op whose body it is, or the Program for the destructor of
 * its noisy values.
 */
export type Spot = object;

export interface PrintedModule {
  readonly lines: readonly string[];
  /** From 1, counted from the beginning of the file. */
  readonly lineOf: ReadonlyMap<Spot, number>;
}

/** `index` names the module, p0, p1, …; `firstLine` is the number of its first line in the file. */
export function printModule(program: Program, index: number, firstLine: number): PrintedModule {
  const printer = new Printer(firstLine);
  printer.module(program, index);
  return { lines: printer.lines, lineOf: printer.lineOf };
}

const packetParams: Readonly<Record<PacketHook, string>> = {
  xdp: "hook: &xdp, ctx: &mut xdp_md",
  tc: "hook: &sched_cls, ctx: &mut __sk_buff",
};

class Printer {
  readonly lines: string[] = [];
  readonly lineOf = new Map<Spot, number>();
  readonly #firstLine: number;
  #depth = 0;

  constructor(firstLine: number) {
    this.#firstLine = firstLine;
  }

  module(program: Program, index: number): void {
    this.#block(`mod p${index} {`, () => {
      this.#line("use super::*;");
      this.#line(`const P: u32 = ${index};`);
      this.#types(program);
      this.#noisy(program);
      program.ops.forEach((op, at) => {
        this.#line(`struct Op${at}(u64);`);
        this.#block(`impl Op for Op${at} {`, () => {
          this.#block("#[inline(never)] fn apply(&self, x: u64) -> u64 {", () => {
            this.#line("let value = self.0;");
            this.#spot(op, exprText(op.body));
          });
        });
      });
      program.fns.forEach((fn, at) => {
        if (fn.frameWords === undefined) this.#fn(fn, at);
        else this.#dive(fn, at, fn.frameWords);
      });
      const packet = program.packet === undefined ? "" : `, ${packetParams[program.packet]}`;
      this.#block(`#[inline(never)] pub fn body(input: u64${packet}) -> u64 {`, () => {
        this.#line("let mut acc: u64 = 0;");
        this.#stmts(program.body);
        this.#line("acc");
      });
    });
  }

  #types({ structs, enums }: Program): void {
    structs.forEach(({ fields }, at) => {
      const list = fields.map((type, field) => `f${field}: ${type}`).join(", ");
      this.#line(`#[derive(Clone, Copy)] struct Struct${at} { ${list} }`);
    });
    enums.forEach(({ variants }, at) => {
      const list = variants.map((fields, variant) => `V${variant}(${fields.join(", ")})`).join(", ");
      this.#line(`#[derive(Clone, Copy)] enum Enum${at} { ${list} }`);
    });
  }

  #noisy(program: Program): void {
    if (!nodesOf(program).some(({ kind }) => kind === "noisy")) return;
    this.#line("struct Noisy(u64);");
    this.#block("impl Drop for Noisy {", () => {
      this.#block("fn drop(&mut self) {", () => {
        this.#line("if unwinding() { return; }");
        this.#spot(program, 'if self.0 % 5 == 0 { panic!("dropped {}", self.0); }');
        this.#line("array_set(P, 7, array_get(P, 7).wrapping_mul(31).wrapping_add(self.0));");
      });
    });
  }

  #fn(fn: Fn, at: number): void {
    const params = fn.params.map(({ name, type }) => `${name}: ${type.int}`).join(", ");
    const inline = fn.inline === "maybe" ? "" : `#[inline(${fn.inline})] `;
    this.#block(`${inline}fn fn${at}(${params}) -> ${fn.type.int} {`, () => {
      this.#line("let mut acc: u64 = 0;");
      this.#stmts(fn.body);
      this.#spot(fn, `${exprText(fn.result)} ^ (acc as ${fn.type.int})`);
    });
  }

  /** The frame is in use across the call of itself, so that it is neither left out nor shared. */
  #dive(fn: Fn, at: number, words: number): void {
    this.#block(`#[inline(never)] fn fn${at}(depth: u32, x: u64) -> u64 {`, () => {
      this.#line(`let mut acc: u64 = x; let mut frame = [x; ${words}]; black_box(&mut frame);`);
      this.#stmts(fn.body);
      this.#line(`let below: u64 = if depth == 0 { 0 } else { fn${at}(depth - 1, acc) };`);
      this.#line("black_box(&mut frame);");
      this.#spot(fn, `${exprText(fn.result)} ^ acc ^ frame[0]`);
    });
  }

  #stmts(stmts: readonly Stmt[]): void {
    for (const stmt of stmts) this.#stmt(stmt);
  }

  #stmt(stmt: Stmt): void {
    switch (stmt.kind) {
      case "if":
        this.#spotBlock(stmt, `if ${exprText(stmt.condition)} {`, stmt.yes);
        if (stmt.no.length > 0) this.#reopen("} else {", stmt.no);
        break;
      case "for": {
        if (stmt.recursive) {
          const { name, int, from, to, reversed } = stmt;
          const head = `each(${from}, ${to}, ${reversed}, &mut |at: i64| { let ${name} = at as ${int};`;
          this.#spotBlock(stmt, head, stmt.body);
          this.lines.push(`${this.lines.pop()});`);
          break;
        }
        const range = `${stmt.from}${stmt.int}..${stmt.to}`;
        const over = stmt.reversed ? `(${range}).rev()` : range;
        this.#spotBlock(stmt, `for ${stmt.name} in ${over} {`, stmt.body);
        break;
      }
      case "while": {
        const { fuelName: fuel } = stmt;
        const head = `let mut ${fuel} = ${stmt.fuel}u32; while ${fuel} > 0 && ${exprText(stmt.condition)} {`;
        this.#spotBlock(stmt, `${head} ${fuel} -= 1;`, stmt.body);
        break;
      }
      case "hold":
        this.#spotBlock(stmt, `{ let ${stmt.name} = hold_${stmt.what}();`, stmt.body);
        break;
      case "crowd": {
        const { name, what, count } = stmt;
        const fill = `for held in ${name}.iter_mut() { *held = hold_${what}(); }`;
        this.#spotBlock(stmt, `{ let mut ${name} = [const { None }; ${count}]; ${fill}`, stmt.body);
        break;
      }
      case "lock": {
        const { name, map, key } = stmt;
        this.#spotBlock(stmt, `if let Some(mut ${name}) = ${map}_lock(P, ${exprText(key)}) {`, stmt.body);
        break;
      }
      case "record": {
        const { name, size, end } = stmt;
        const last = end === "drop" ? [] : [`${name}.0.${end}(0);`];
        this.#spotBlock(stmt, `if let Some(mut ${name}) = new_record(P, ${size}) {`, stmt.body, last);
        break;
      }
      case "noisy":
        this.#spotBlock(stmt, `{ let ${stmt.name} = Noisy(${exprText(stmt.value)});`, stmt.body);
        break;
      default:
        this.#spot(stmt, simpleText(stmt));
    }
  }

  #spotBlock(spot: Spot, head: string, body: readonly Stmt[], last: readonly string[] = []): void {
    this.lineOf.set(spot, this.#next);
    this.#block(head, () => {
      this.#stmts(body);
      for (const line of last) this.#line(line);
    });
  }

  /** Takes the closing brace back and goes on. */
  #reopen(head: string, body: readonly Stmt[]): void {
    this.lines.pop();
    this.#block(head, () => this.#stmts(body));
  }

  #block(head: string, inside: () => void): void {
    this.#line(head);
    this.#depth += 1;
    inside();
    this.#depth -= 1;
    this.#line("}");
  }

  #spot(spot: Spot, text: string): void {
    this.lineOf.set(spot, this.#next);
    this.#line(text);
  }

  #line(text: string): void {
    this.lines.push(`${"  ".repeat(this.#depth)}${text}`);
  }

  get #next(): number {
    return this.#firstLine + this.lines.length;
  }
}
