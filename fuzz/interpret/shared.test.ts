// SPDX-License-Identifier: MIT
// What programs share with others, and the bytes that they have: locks, records, conversions, packets.
import { describe, expect, it } from "vitest";
import type { ByteSource, Program, Stmt } from "../model/ast.ts";
import { packetOf } from "../model/packets.ts";
import { int } from "../model/types.ts";
import { mixed, num, programOf, variable } from "../testing/trees.ts";
import { predict } from "./interpret.ts";

const boom: Stmt = { kind: "panic", message: "boom", args: [] };

function run(program: Program) {
  return predict(program, [5n]);
}

function locked(name: string, ...body: readonly Stmt[]): Stmt {
  return { kind: "lock", map: "accounts", key: num(3, "u32"), name, body };
}

const set: Stmt = { kind: "lockedSet", name: "a", value: variable("input") };

describe("locks", () => {
  it("write back at the end of their body, and not after a panic", () => {
    expect(run(programOf(locked("a", set, set)))?.left?.maps.accounts).toEqual(
      new Map([[3, (5n << 32n) | 2n]]),
    );
    const torn = run(programOf(locked("a", set, boom)));
    expect(torn?.runs).toMatchObject([{ kind: "panics", released: ["spin_lock"] }]);
    expect(torn?.left?.maps.accounts).toEqual(new Map());
  });

  it("are held one at a time, and keep maps with locks as they are", () => {
    const inner = locked("b");
    expect(run(programOf(locked("a", inner)))?.runs).toMatchObject([
      { kind: "panics", message: "a second lock is taken while one is held", spot: inner },
    ]);
    const [key, value] = [num(1, "u32"), num(7)];
    const vault = run(programOf(locked("a", { kind: "vaultSet", key, value })));
    expect(vault).toMatchObject({ runs: [{ value: 35n }], left: { maps: { vault: new Map() } } });
    const gone = run(programOf({ kind: "vaultSet", key, value }, { kind: "vaultDelete", key }));
    expect(gone?.left?.maps.vault).toEqual(new Map());
  });
});

describe("records", () => {
  const record = (name: string, end: "submit" | "discard" | "drop", ...body: readonly Stmt[]): Stmt => ({
    kind: "record",
    name,
    size: 2,
    end,
    body,
  });
  const write = (name: string, value: number): Stmt => ({
    kind: "byteSet",
    source: { kind: "record", name },
    index: num(0),
    value: num(value, "u8"),
  });

  it("come in the order of their reservations, those that were submitted", () => {
    const program = programOf(
      record("a", "submit", write("a", 1), record("b", "submit", write("b", 2)), record("c", "drop")),
      { kind: "output", bytes: [num(9, "u8")] },
    );
    const wanted = [[1n, 0n], [2n, 0n], [9n]];
    expect(run(program)?.left).toMatchObject({ records: wanted, discarded: 1 });
  });

  it("that a panic finds open are discarded", () => {
    const result = run(programOf(record("a", "submit", boom)));
    expect(result?.left).toMatchObject({ records: [], discarded: 1 });
    expect(result?.runs).toMatchObject([{ released: ["ringbuf"] }]);
  });
});

describe("resources", () => {
  const crowd = (count: number): Stmt => ({ kind: "crowd", what: "task", name: "t", count, body: [boom] });
  it.each([
    [32, "panics"],
    [33, "resources"],
  ])("of which %i are wanted at once: %s", (count, kind) => {
    expect(run(programOf(crowd(count)))?.runs).toMatchObject([{ kind, released: Array(32).fill("task") }]);
  });
});

describe("conversions", () => {
  const of = { kind: "array", of: "u8", length: 5 } as const;
  const init = { kind: "array", type: of, items: [1, 2, 3, 4, 5].map((value) => num(value, "u8")) } as const;
  const array: Stmt = { kind: "let", name: "a", mutable: true, type: of, init };
  const source: ByteSource = { kind: "array", name: "a", length: 5 };

  it.each([
    [1, { kind: "returns", value: 0x05_04_03_02n }],
    [3, { kind: "panics", message: "a u32 has 4 bytes, the slice only 2" }],
    [6, { kind: "panics", message: "range start index 6 out of range for slice of length 5" }],
  ])("from byte %i", (from, wanted) => {
    const value = { kind: "convert", source, from: num(from), type: int("u32") } as const;
    expect(run(programOf(array, mixed(value)))?.runs).toMatchObject([wanted]);
  });

  it("go back too", () => {
    const change = {
      kind: "convertSet",
      source,
      from: num(3),
      type: int("i16"),
      value: num(-2, "i16"),
    } as const;
    const read = mixed({ kind: "byteAt", source, index: num(4) });
    expect(run(programOf(array, change, read))?.runs).toEqual([{ kind: "returns", value: 0xffn }]);
  });
});

describe("packets", () => {
  const onPacket = (...body: readonly Stmt[]): Program => ({ ...programOf(...body), packet: "xdp" });
  const adjust = (end: "head" | "tail", by: number): Stmt => ({ kind: "adjust", end, by: num(by, "i32") });
  const before = [...packetOf(5n, "xdp")].map(BigInt);

  it("lose and gain bytes at their ends", () => {
    const program = onPacket(adjust("head", 2), adjust("head", -1), adjust("tail", -3), adjust("tail", 1));
    expect(run(program)?.runs).toEqual([
      { kind: "returns", value: 0n, packet: [0n, ...before.slice(2, -3), 0n] },
    ]);
  });

  it("keep an Ethernet header, and fit their buffer", () => {
    for (const refused of [adjust("head", before.length - 13), adjust("tail", 5_000), adjust("head", -300)])
      expect(run(onPacket(refused))?.runs).toEqual([{ kind: "returns", value: 22n, packet: before }]);
    expect(run(onPacket(adjust("head", -200)))).toBeUndefined();
  });

  it("have headers where they are all there", () => {
    const header = { kind: "header", header: "eth", field: "h_proto", type: int("u16") } as const;
    const [low = 0n, high = 0n] = before.slice(12);
    expect(run(onPacket(mixed(header)))?.runs).toMatchObject([{ value: high * 256n + low }]);
    const read = mixed({ kind: "header", header: "ip", field: "ttl", type: int("u8") });
    expect(run(onPacket(adjust("tail", 20 - before.length), read))?.runs).toMatchObject([
      { kind: "panics", message: "range end index 34 out of range for slice of length 20" },
    ]);
  });

  it("get a checksum over which the sum is all ones", () => {
    const [one] = run(onPacket({ kind: "checksum" }))?.runs ?? [];
    const ip = (one?.packet ?? []).slice(14, 34).map(Number);
    let sum = 0;
    for (let at = 0; at < 20; at += 2) sum += (ip[at] ?? 0) * 256 + (ip[at + 1] ?? 0);
    expect(((sum & 0xffff) + (sum >> 16)) & 0xffff).toBe(0xffff);
  });
});
