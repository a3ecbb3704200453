// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { Stmt } from "../model/ast.ts";
import { printForGuest } from "../model/files.ts";
import type { Schedule } from "../model/schedule.ts";
import { mixed, num, programOf } from "../testing/trees.ts";
import { canRun, expectedOf } from "./expected.ts";
import type { Trial } from "./trial.ts";
import { trialOf } from "./trials.ts";

const short: Schedule = { lanes: 1, neighbour: false, visitors: [{ kind: "memory", percent: 20 }] };
const clocked: Schedule = { lanes: 1, neighbour: false, visitors: [{ kind: "reload" }] };
const inHash: Stmt = { kind: "mapSet", map: "hash", key: num(1, "u32"), value: num(7) };
const inVault: Stmt = { kind: "vaultSet", key: num(1, "u32"), value: num(7) };
const inArray: Stmt = { kind: "mapSet", map: "array", key: num(1, "u32"), value: num(7) };
const spin: Stmt = { kind: "spin", how: "empty" };

function trial(...body: readonly Stmt[]): Trial {
  const made = trialOf(programOf(...body), [5n, 6n]);
  if (made === undefined) throw new Error("undecided");
  return made;
}

describe("expectedOf", () => {
  it.each([inHash, inVault])("nothing is known of an allocation when memory may run short: %o", (set) => {
    const unknown = { runs: [{ kind: "unknown" }, { kind: "unknown" }] };
    expect(expectedOf(trial(set, mixed(num(1))), short)).toEqual(unknown);
    // Inside of something else too.
    const guarded = trial({ kind: "if", condition: { kind: "bool", value: false }, yes: [set], no: [] });
    expect(expectedOf(guarded, short)).toEqual(unknown);
    expect(expectedOf(guarded, clocked)).toBe(guarded.prediction);
    expect(expectedOf(guarded, undefined)).toBe(guarded.prediction);
  });

  it("all is known of what does not allocate", () => {
    const sets = trial(inArray);
    expect(expectedOf(sets, short)).toBe(sets.prediction);
    const spins = trial(inArray, spin);
    expect(expectedOf(spins, short)).toBe(spins.prediction);
  });

  it.each<Stmt>([
    spin,
    { kind: "output", bytes: [num(1, "u8")] },
    { kind: "hold", what: "record", name: "r", body: [] },
  ])("what allocates and might disturb others is not run: %o", (wild) => {
    const made = trial(inHash, wild);
    expect(expectedOf(made, short)).toBeUndefined();
    expect(canRun(made, short, 2)).toBe(false);
    expect(canRun(made, clocked, 2)).toBe(true);
  });
});

it("a loop without an end and without interrupts is run where there is another CPU", () => {
  const lock: Stmt = { kind: "lock", map: "accounts", key: num(1, "u32"), name: "a", body: [spin] };
  expect([1, 2].map((cpus) => canRun(trial(lock), undefined, cpus))).toEqual([false, true]);
});

it("elements of hash maps are allocated only when memory may run short", () => {
  const { program } = trial(inHash, inVault);
  const flags = (allocates: boolean) =>
    [...printForGuest([program], { allocates }).text.matchAll(/RexHashMap::new\(\d+, (.*)\);/g)].map(
      ([, flag]) => flag,
    );
  expect(flags(false)).toEqual(["0", "0"]);
  expect(flags(true)).toEqual(["BPF_F_NO_PREALLOC as u32", "BPF_F_NO_PREALLOC as u32"]);
  expect(printForGuest([program], { allocates: true }).text).toContain(
    "use rex::linux::bpf::BPF_F_NO_PREALLOC;",
  );
});
