// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { GuestApi } from "../../runner/test/worker/guest-api.ts";
import type { Program } from "../../runner/test/worker/program.ts";
import type { Stmt } from "../model/ast.ts";
import { canNest } from "../model/facts.ts";
import { printForGuest } from "../model/files.ts";
import { mixed, num, programOf } from "../testing/trees.ts";
import type { Execution, PlannedRun } from "./execute.ts";
import { Inside, insiders } from "./inside.ts";

const sets: Stmt = { kind: "mapSet", map: "array", key: num(1, "u32"), value: num(7) };
const inHash: Stmt = { kind: "mapSet", map: "hash", key: num(1, "u32"), value: num(7) };

function run(trial: number, slot: number, canNest = true): PlannedRun {
  return { trial, entry: "bounded", slot, input: 5n, endsByTime: false, canNest };
}

describe("canNest", () => {
  it("is said of what neither locks nor holds anything, and has a bound of its stack", () => {
    const boom: Stmt = { kind: "panic", message: "boom", args: [] };
    expect(canNest(programOf(sets, mixed(num(1)), boom))).toBe(true);
    const body = [sets];
    const refused: Stmt[] = [
      inHash,
      { kind: "spin", how: "empty" },
      { kind: "mapDelete", key: num(1, "u32") },
      { kind: "hold", what: "task", name: "t", body },
      { kind: "lock", map: "accounts", key: num(1, "u32"), name: "a", body },
      { kind: "for", name: "i", int: "u8", from: 0, to: 2, reversed: false, recursive: true, body },
    ];
    for (const stmt of refused) {
      expect(canNest(programOf(stmt))).toBe(false);
      const deep: Stmt = { kind: "if", condition: { kind: "bool", value: false }, yes: [stmt], no: [] };
      expect(canNest(programOf(deep))).toBe(false);
    }
    expect(canNest({ ...programOf(sets), packet: "xdp" })).toBe(false);
  });

  it("decides which programs the object runs inside of lookups", () => {
    const { text } = printForGuest([programOf(inHash), programOf(sets)], { nests: true });
    const [, inside = ""] = text.split("fn inside(");
    expect([...inside.matchAll(/p\d+::body/g)].map(([body]) => body)).toEqual(["p1::body"]);
    expect(printForGuest([programOf(sets)]).text).not.toContain("fn inside(");
  });
});

describe("Inside", () => {
  it("leaves to others to do the looking up", () => {
    const planned = [run(0, 0, false), ...Array.from({ length: 20 }, (_, at) => run(at + 1, 12 * at))];
    const [inside, others] = insiders([...planned, run(1, 1)]);
    expect(inside.map(({ trial }) => trial)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 1]);
    expect(others.length).toBe(13);
    expect(others[0]).toBe(planned[0]);
  });

  it("has one run at a time, the next one when it has run, and keeps what did not", async () => {
    const maps = new Map<string, unknown>();
    const map = (name: string) => ({
      set: async (_: number, value: unknown) => void maps.set(name, value),
      get: async () => maps.get(name),
    });
    const tried: string[] = [];
    const attach = async ({ target }: { target: { offset: string } }) => {
      tried.push(target.offset);
      if (target.offset === "5") throw new Error("there is a call to ftrace");
    };
    const written: string[] = [];
    const api = { writeFile: async (file: string, value: string) => void written.push(`${file} ${value}`) };
    const ran: number[] = [];
    const execution = { ranInside: ({ slot }: PlannedRun) => void ran.push(slot) };
    const inside = await Inside.attach(
      api as unknown as GuestApi,
      { map, attach } as unknown as Program,
      execution as unknown as Execution,
      [run(3, 36), run(3, 37)],
    );
    expect(tried).toEqual(["5", "9"]);
    expect(written).toEqual(["/proc/sys/debug/kprobes-optimization 0"]);
    const nobody = async () => undefined;
    const looksUp = async () => {
      expect(maps.get("NEST")).toBe(1n);
      maps.set("NEST", 0n);
    };
    expect(await inside.during(nobody)).toBe(false);
    expect(maps.get("NESTED")).toEqual([3n, 36n, 5n]);
    // Not while nobody waits for it: user space looks up too.
    expect(maps.get("NEST")).toBe(0n);
    expect(ran).toEqual([]);
    expect(await inside.during(looksUp)).toBe(true);
    expect(await inside.during(nobody)).toBe(false);
    expect(inside.left.map(({ slot }) => slot)).toEqual([37]);
    expect(await inside.during(looksUp)).toBe(true);
    expect(ran).toEqual([36, 37]);
    expect(await inside.during(nobody)).toBe(false);
  });
});
