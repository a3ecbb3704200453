// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { mixed, num, programOf, variable } from "../testing/trees.ts";
import { programsOf } from "./arbitrary.ts";
import type { Expr, Stmt } from "./ast.ts";
import { entryOf, printForGuest } from "./files.ts";
import { exprText } from "./print-expr.ts";
import { bool, int } from "./types.ts";

describe("exprText", () => {
  const a = variable("a", "i8");
  it.each<[Expr, string]>([
    [num(-3, "i8"), "(-3i8)"],
    [
      { kind: "arithmetic", op: "+", overflow: "panic", type: int("i8"), left: a, right: num(1, "i8") },
      "(a + 1i8)",
    ],
    [
      { kind: "arithmetic", op: "%", overflow: "unwrap", type: int("i8"), left: a, right: a },
      "a.checked_rem(a).unwrap()",
    ],
    [{ kind: "not", type: bool, value: { kind: "bool", value: true } }, "(!true)"],
    [{ kind: "index", array: "v", of: { kind: "array", of: "u8", length: 3 }, index: a }, "v[a as usize]"],
  ])("%o", (expr, text) => {
    expect(exprText(expr)).toBe(text);
  });
});

describe("printForGuest", () => {
  it("knows the line of each statement of each program", () => {
    const stmts: Stmt[] = [
      mixed(num(1)),
      { kind: "if", condition: { kind: "bool", value: true }, yes: [mixed(num(2))], no: [mixed(num(3))] },
    ];
    const inner = stmts.flatMap((stmt) => (stmt.kind === "if" ? [...stmt.yes, ...stmt.no] : []));
    const { text, lineOf } = printForGuest([programOf(mixed(num(9))), programOf(...stmts)]);
    const lines = text.split("\n");
    const textAt = (spot: object) => lines[(lineOf[1]?.get(spot) ?? 0) - 1]?.trim();
    expect([...stmts, ...inner].map(textAt)).toEqual([
      "acc = acc.rotate_left(7) ^ (1u64 as u64);",
      "if true {",
      "acc = acc.rotate_left(7) ^ (2u64 as u64);",
      "acc = acc.rotate_left(7) ^ (3u64 as u64);",
    ]);
  });

  it("gives a program without recursion and pointers to the entry that has a bound", () => {
    const closure: Expr = { kind: "closure", how: "dyn", param: "c", body: variable("c"), argument: num(1) };
    expect(entryOf(programOf(mixed(num(1))))).toBe("bounded");
    expect(entryOf(programOf(mixed(closure)))).toBe("checked");
  });
});

describe("programsOf", () => {
  it("makes the same programs of the same seed, wherever it begins", () => {
    const all = programsOf(7, 0, 6);
    expect(programsOf(7, 0, 6)).toEqual(all);
    expect(programsOf(7, 3, 3)).toEqual(all.slice(3));
    expect(programsOf(8, 0, 6)).not.toEqual(all);
  });

  it("makes trees whose nodes are all different objects, so that each has a line", () => {
    for (const program of programsOf(5, 0, 30)) {
      const seen = new Set<object>();
      const visit = (tree: unknown, key: string): void => {
        if (typeof tree !== "object" || tree === null || key === "type" || key === "of") return;
        expect(seen.has(tree)).toBe(false);
        seen.add(tree);
        for (const [name, part] of Object.entries(tree)) visit(part, name);
      };
      visit(program, "");
    }
  });
});
