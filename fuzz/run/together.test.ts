// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { Stmt } from "../model/ast.ts";
import type { Schedule } from "../model/schedule.ts";
import { mixed, num, programOf, variable } from "../testing/trees.ts";
import { jointText } from "./spec-together.ts";
import { fewestTogether, type JointFinding } from "./together.ts";
import { trialOf } from "./trials.ts";

const all = Array.from({ length: 96 }, (_, index) => index);
const limitMs = 10_000;

/** Tells which it is brought about by, and how often that was asked. */
async function search(seenOf: number | undefined, ...wanted: readonly number[]) {
  let asked = 0;
  const isEnough = async (some: readonly number[]) => {
    asked += 1;
    return wanted.every((one) => some.includes(one));
  };
  return { found: await fewestTogether(all, seenOf, isEnough, limitMs), asked };
}

describe("fewestTogether", () => {
  it("finds the programs that it takes, in their order", async () => {
    expect((await search(undefined, 5, 77)).found).toEqual([5, 77]);
    expect((await search(5, 5, 77)).found).toEqual([5, 77]);
    expect((await search(77, 5, 77)).found).toEqual([5, 77]);
    expect((await search(40, 3, 40, 90)).found).toEqual([3, 40, 90]);
  });

  it("looks for those beside the one that it was seen of: by halves", async () => {
    const { asked } = await search(77, 5, 77);
    expect(asked).toBeLessThan(20);
    expect(asked).toBeLessThan((await search(undefined, 5, 77)).asked / 2);
  });

  it("finds nothing when it does not happen again", async () => {
    expect(await search(7, 200)).toEqual({ found: undefined, asked: 1 });
  });
});

describe("jointText", () => {
  const sets: Stmt = { kind: "mapSet", map: "array", key: num(1, "u32"), value: num(7) };
  const spin: Stmt = { kind: "spin", how: "empty" };
  const emits: Stmt = { kind: "output", bytes: [num(9, "u8")] };

  function text(schedule: Schedule | undefined, ...bodies: readonly (readonly Stmt[])[]): string {
    const trials = bodies.map((body) => {
      const trial = trialOf(programOf(...body), [5n, 6n]);
      if (trial === undefined) throw new Error("undecided");
      return trial;
    });
    const complaint = { oracle: "prediction", title: "another value returned", detail: "seen" } as const;
    const finding: JointFinding = { complaint, trials, reproduced: 3, attempts: 3, cpus: 2, schedule };
    return jointText(finding, { kernel: "k", seed: 1 }, "a.spec.ts");
  }

  const calls = (spec: string) =>
    [...spec.matchAll(/99999999, (\d+), (\d+), /g)].map(([, program, slot]) => `${program}: ${slot}`);

  it("runs the programs one after the other, and expects what each of them leaves", () => {
    const spec = text(undefined, [sets, mixed(variable("input"))], [emits, sets]);
    expect(calls(spec)).toEqual(["0: 0", "0: 1", "1: 12", "1: 13"]);
    expect(spec).toContain("toEqual([[1, 7n], [9, 7n]])");
    expect(spec).toContain('= [[0, []], [1, ["09", "09"]]];');
    expect(spec).not.toContain("meanwhile");
  });

  it("runs those at the same time that did, where the schedule says so", () => {
    const spec = text({ lanes: 2, neighbour: false, visitors: [] }, [sets], [sets]);
    expect(spec.match(/guest\.trigger\(/g)?.length).toBe(2);
    expect(calls(spec)).toEqual(["0: 0", "1: 12", "0: 1", "1: 13"]);
    expect(spec).toMatch(
      /args: \[99999999, 0, 0, 5n\], cpu: 0 }, { syscall: "getpgid", args: \[99999999, 1, 12, 5n\], cpu: 1/,
    );
  });

  it("takes away the link of the one that is to lose it", () => {
    const spec = text({ lanes: 2, neighbour: false, visitors: [{ kind: "detach" }] }, [sets], [spin]);
    // What has no end is run first, and alone.
    expect(calls(spec)).toEqual(["1: 12", "1: 13", "0: 0", "0: 1"]);
    expect(spec).toContain('let bounded = await program.attach({ name: "bounded" });');
    expect(spec.match(/await bounded\.detach\(\);/g)?.length).toBe(2);
    expect(spec).toContain('name === "bounded"');
  });

  it("has its probes in lookups stay breakpoints", () => {
    const visitors = [{ kind: "lookup", deed: "panic" }] as const;
    const spec = text({ lanes: 1, neighbour: false, visitors }, [sets]);
    const [before, after] = spec.split('"symbol":"htab_map_lookup_elem"');
    expect(before).toContain('writeFile("/proc/sys/debug/kprobes-optimization", "0")');
    expect(after).toBeDefined();
  });

  it("has programs run inside of those on packets, and what finds none by itself", () => {
    const spec = text({ lanes: 1, neighbour: false, visitors: [{ kind: "nested" }] }, [sets], [emits]);
    expect(spec).toContain("args: [0n, 1n, 6n], reasons: [], value: 0n }");
    expect(spec).toContain(
      'name: "inside", target: { kind: "kprobe", symbol: "htab_map_lookup_elem", offset }',
    );
    expect(spec).toContain("for (const next of left)");
    // What may not run inside runs as ever.
    expect(calls(spec)).toEqual(["1: 12", "1: 13"]);
  });

  it("says nothing of what is left of which nothing is known", () => {
    const inHash: Stmt = { kind: "mapSet", map: "hash", key: num(1, "u32"), value: num(7) };
    const short: Schedule = { lanes: 1, neighbour: false, visitors: [{ kind: "memory", percent: 20 }] };
    const spec = text(short, [inHash], [sets]);
    expect(spec).toContain(".filter(([key]) => [1].includes(Math.floor(key / 8)))");
    expect(spec).toContain("toEqual([[9, 7n]])");
    expect(spec).toContain("BPF_F_NO_PREALLOC");
  });
});
