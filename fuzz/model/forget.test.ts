// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { mixed, num, programOf, variable } from "../testing/trees.ts";
import type { Program, Stmt } from "./ast.ts";
import { isWellTyped } from "./check.ts";
import { namesIn, usesFn, usesNames, withoutUses } from "./forget.ts";
import { shrinks } from "./shrink.ts";
import { int } from "./types.ts";

const declared: Stmt = { kind: "let", name: "v", mutable: true, type: int("u64"), init: variable("input") };
const assigned: Stmt = { kind: "assign", name: "v", value: num(1) };

describe("withoutUses", () => {
  it("drops statements that refer to what is gone, and has zeros for expressions", () => {
    const body = withoutUses(
      [assigned, mixed(variable("v")), mixed(variable("input"))],
      usesNames((name) => name === "v"),
    );
    expect(body).toEqual([mixed(num(0)), mixed(variable("input"))]);
  });

  it("leaves what does not refer to it as it is", () => {
    const body = [assigned, mixed(num(3))];
    expect(
      withoutUses(
        body,
        usesNames((name) => name === "w"),
      ),
    ).toBe(body);
  });

  it("has zeros for calls", () => {
    const call = { kind: "call", fn: 1, type: int("u8"), args: [] } as const;
    expect(withoutUses([mixed(call)], usesFn(1))).toEqual([mixed(num(0, "u8"))]);
    expect(withoutUses([mixed(call)], usesFn(0))).toEqual([mixed(call)]);
  });
});

describe("namesIn", () => {
  it("are those of declarations, not those of sources of bytes", () => {
    const byte: Stmt = mixed({ kind: "byteCount", source: { kind: "record", name: "r" } });
    expect(namesIn([declared, byte])).toEqual(["v"]);
    expect(namesIn([{ kind: "record", name: "r", size: 4, end: "drop", body: [byte] }])).toEqual(["r"]);
  });
});

describe("shrinks", () => {
  const has = (program: Program, body: readonly Stmt[]) =>
    [...shrinks(program)].some((smaller) => JSON.stringify(smaller.body) === JSON.stringify(body));

  it("leave out a declaration with all of its uses", () => {
    const program = programOf(declared, assigned, mixed(num(5)), mixed(variable("v")));
    expect(has(program, [mixed(num(5)), mixed(num(0))])).toBe(true);
  });

  it("have a statement by itself, whatever it referred to", () => {
    const lock: Stmt = {
      kind: "lock",
      map: "accounts",
      key: { kind: "cast", type: int("u32"), value: variable("v") },
      name: "locked",
      body: [{ kind: "lockedSet", name: "locked", value: variable("v") }],
    };
    const alone: Stmt = {
      ...lock,
      key: { kind: "cast", type: int("u32"), value: num(0) },
      body: [{ kind: "lockedSet", name: "locked", value: num(0) }],
    };
    expect(has(programOf(declared, assigned, lock), [alone])).toBe(true);
  });

  it("have what a statement computes without what is done with it", () => {
    const set: Stmt = { kind: "mapSet", map: "array", key: num(1, "u32"), value: variable("input") };
    expect(has(programOf(set), [mixed(variable("input"))])).toBe(true);
  });

  it("have a plain panic for a destructor that panics", () => {
    const noisy: Stmt = { kind: "noisy", name: "n", value: num(0), body: [] };
    const panic: Stmt = { kind: "panic", message: "gone wrong", args: [] };
    expect(has(programOf(noisy), [panic])).toBe(true);
  });

  it("have the body of a lock without the lock", () => {
    const lock: Stmt = {
      kind: "lock",
      map: "accounts",
      key: num(1, "u32"),
      name: "locked",
      body: [
        { kind: "lockedSet", name: "locked", value: num(1) },
        mixed({ kind: "lockedGet", name: "locked" }),
      ],
    };
    expect(has(programOf(lock), [mixed(num(0))])).toBe(true);
  });

  it("leave out functions that are called", () => {
    const fn = { params: [], type: int("u8"), inline: "never", body: [], result: num(1, "u8") } as const;
    const call = { kind: "call", fn: 0, type: int("u8"), args: [] } as const;
    const program = { ...programOf(mixed(call)), fns: [fn] };
    const smaller = [...shrinks(program)].filter(({ fns }) => fns.length === 0);
    expect(smaller.map(({ body }) => body)).toContainEqual([mixed(num(0, "u8"))]);
    expect(smaller.every(isWellTyped)).toBe(true);
  });
});
