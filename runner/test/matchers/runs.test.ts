// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { ExitRecord, TriggerOutcome } from "../../protocol/generated.ts";
import { Run } from "../worker/run.ts";
import { toExitGracefully, toOverflowStack, toReturn, toTimeOut } from "./runs.ts";

const outcome: TriggerOutcome = {
  ret: "-9",
  errno: 9,
  errnoName: "EBADF",
  count: 1,
  failed: 1,
  durationNs: 10,
  cpu: 0,
  tid: 42,
  buffers: [],
};
const exit: ExitRecord = {
  seq: 1,
  progId: 3,
  prog: "oob",
  object: "oob",
  reason: "panic",
  cpu: 0,
  level: "task",
  pid: 42,
  comm: "trigger",
  atNs: 1,
  durationNs: 2,
  stackUsed: 3,
  count: 1,
  retval: "0",
  location: "src/main.rs:4:8",
  message: "index out of bounds: the len is 3 but the index is 7",
  released: [],
  frames: [
    "core::panicking::panic_bounds_check+0x47/0x47",
    "oob::oob+0x42/0x42",
    "rex_dispatcher_func+0x133/0x330",
  ].map((symbol) => ({
    address: "0",
    symbol,
  })),
};

function run(exits: readonly ExitRecord[] = [exit], accounted: ExitRecord[] = []): Run {
  return new Run(outcome, exits, (seen) => accounted.push(...seen));
}

describe("toReturn", () => {
  it("compares with a number or the name of an errno", () => {
    expect(toReturn(run(), -9).pass).toBe(true);
    expect(toReturn(run(), "EBADF").pass).toBe(true);
    expect(toReturn(run(), "-EBADF").pass).toBe(true);
    expect(toReturn(run(), 3)).toMatchObject({ pass: false, actual: "EBADF", expected: 3 });
  });

  it("does not take anything else than a run", () => {
    expect(() => toReturn(7, 7)).toThrow(/t\.guest\.syscall/);
  });
});

describe("toExitGracefully", () => {
  it("accepts a description that fits in every part that it has", () => {
    expect(
      toExitGracefully(run(), {
        reason: "panic",
        message: /len is 3/,
        at: "main.rs:4",
        frames: ["oob::oob", /^rex_dispatcher/],
        level: "task",
      }).pass,
    ).toBe(true);
    expect(toExitGracefully(run()).pass).toBe(true);
  });

  it("wants frames in their order", () => {
    expect(toExitGracefully(run(), { frames: ["rex_dispatcher_func", "oob::oob"] }).pass).toBe(false);
    expect(toExitGracefully(run(), { level: "softirq" }).pass).toBe(false);
  });

  it("shows in the diff only what does not fit", () => {
    const result = toExitGracefully(run(), { reason: "panic", message: "overflow", at: /main\.rs/ });
    expect(result).toMatchObject({
      pass: false,
      actual: { reason: "panic", message: exit.message, at: exit.location },
      expected: { reason: "panic", message: "overflow", at: exit.location },
    });
  });

  it("says so when nothing ended abnormally", () => {
    expect(toExitGracefully(run([])).message()).toMatch(/none ended abnormally/);
  });

  it("leaves other threads' exits to others, and accounts for those it saw", () => {
    expect(run([{ ...exit, pid: 43 }]).exits).toEqual([]);
    expect(run([{ ...exit, pid: 43, level: "softirq" }]).exits).toHaveLength(1);
    const accounted: ExitRecord[] = [];
    toExitGracefully(run([exit], accounted), { message: "something else" });
    expect(accounted).toEqual([exit]);
  });
});

describe("toTimeOut", () => {
  const late: ExitRecord = {
    ...exit,
    reason: "timeout",
    durationNs: 1_050_000_000,
    message: "ran for 1050 ms",
  };

  it("wants the reason and, if asked, the time that the program ran", () => {
    expect(toTimeOut(run([late])).pass).toBe(true);
    expect(toTimeOut(run([late]), { withinMs: 1_060, afterMs: 1_000, program: "oob" }).pass).toBe(true);
    expect(toTimeOut(run([exit])).pass).toBe(false);
    expect(toTimeOut(run([]), { withinMs: 10 }).message()).toMatch(/none ended abnormally/);
  });

  it("says how long the program ran when that was too long, or not long enough", () => {
    const tooLong = toTimeOut(run([late]), { withinMs: 1_000 });
    expect(tooLong).toMatchObject({ pass: false, actual: 1_050, expected: 1_000 });
    expect(tooLong.message()).toMatch(/ended within 1000 ms, and it ran for 1050\.0 ms/);
    expect(toTimeOut(run([late]), { afterMs: 2_000 }).message()).toMatch(/not before 2000 ms/);
  });
});

describe("toOverflowStack", () => {
  it("wants the reason and what else is asked", () => {
    const overflow: ExitRecord = { ...exit, reason: "stack_overflow" };
    expect(toOverflowStack(run([overflow]), { program: "oob" }).pass).toBe(true);
    expect(toOverflowStack(run([overflow]), { program: "other" }).pass).toBe(false);
    expect(toOverflowStack(run([exit])).pass).toBe(false);
  });
});
