// SPDX-License-Identifier: MIT
// Matchers for what came of a system call: toReturn, toExitGracefully.
import type { ExitRecord } from "../../protocol/generated.ts";
import { visible } from "../../support/format.ts";
import { Observed, Run, TestRun } from "../worker/run.ts";
import { type MatcherResult, matches, type Pattern, shownFor } from "./result.ts";

export type ExitReason = "panic" | "nested_panic" | "stack_overflow" | "resources" | "timeout" | "fault";

export interface ExpectedExit {
  readonly reason?: ExitReason;
  readonly message?: Pattern;
  /** Where in the program: "src/main.rs:3". */
  readonly at?: Pattern;
  /** Symbols that the backtrace has, in this order, innermost first; others may be between them. */
  readonly frames?: readonly Pattern[];
  /** Name of the program function. */
  readonly program?: string;
  /** The context that it ran in. */
  readonly level?: "task" | "softirq" | "hardirq" | "nmi";
}

/** The system call returned this: a number, or the name of an errno. */
export function toReturn(received: unknown, expected: number | bigint | string): MatcherResult {
  const run = asReturned(received);
  const shown = run.errnoName ?? readable(run.ret);
  const wanted = typeof expected === "string" ? expected.replace(/^-/, "") : BigInt(expected);
  const pass = typeof wanted === "string" ? run.errnoName === wanted : run.ret === wanted;
  return {
    pass,
    message: () =>
      `expected the call ${pass ? "not " : ""}to return ${String(wanted)}, and it returned ${String(shown)}`,
    actual: shown,
    expected: typeof wanted === "string" ? wanted : readable(wanted),
  };
}

/** A program ended abnormally in this run, as described, and the system call came back nevertheless. */
export function toExitGracefully(received: unknown, expected: ExpectedExit = {}): MatcherResult {
  const run = asRun(received, "toExitGracefully");
  run.accountForExits();
  const found = run.exits.find((exit) => satisfies(exit, expected));
  if (found)
    return { pass: true, message: () => `expected no graceful exit like this one:\n${describe(found)}` };
  const [closest] = run.exits;
  if (closest === undefined) {
    return {
      pass: false,
      message: () => "expected a program to exit gracefully, and none ended abnormally (did it run at all?)",
    };
  }
  return {
    pass: false,
    message: () =>
      `expected a graceful exit of another kind; ${run.exits.length} exit record(s), the first:\n${describe(closest)}`,
    actual: shownActual(closest, expected),
    expected: shownExpected(closest, expected),
  };
}

export interface ExpectedTimeout extends Omit<ExpectedExit, "reason"> {
  /** The longest that the program may have run, in the guest's time. */
  readonly withinMs?: number;
  /** The shortest: it was not ended before its time was up. */
  readonly afterMs?: number;
}

/** A program was ended because it ran too long, and the system call came back nevertheless. */
export function toTimeOut(received: unknown, expected: ExpectedTimeout = {}): MatcherResult {
  const { withinMs, afterMs, ...exit } = expected;
  const result = toExitGracefully(received, { ...exit, reason: "timeout" });
  const ended = asRun(received, "toTimeOut").exits.find((found) =>
    satisfies(found, { ...exit, reason: "timeout" }),
  );
  if (!result.pass || ended === undefined) return result;
  const ranMs = ended.durationNs / 1e6;
  const late = withinMs !== undefined && ranMs > withinMs;
  const early = afterMs !== undefined && ranMs < afterMs;
  if (!late && !early) return result;
  const bound = late ? `within ${withinMs} ms` : `not before ${afterMs} ms`;
  return {
    pass: false,
    message: () => `expected the program to be ended ${bound}, and it ran for ${ranMs.toFixed(1)} ms`,
    actual: ranMs,
    expected: late ? withinMs : afterMs,
  };
}

/** A program needed more stack than it may use, was ended, and the system call came back nevertheless. */
export function toOverflowStack(
  received: unknown,
  expected: Omit<ExpectedExit, "reason"> = {},
): MatcherResult {
  return toExitGracefully(received, { ...expected, reason: "stack_overflow" });
}

/** As a number where that is exact: a report with 3 reads better than one with 3n. */
function readable(value: bigint): number | bigint {
  return BigInt(Number(value)) === value ? Number(value) : value;
}

function satisfies(exit: ExitRecord, expected: ExpectedExit): boolean {
  return (
    (expected.reason === undefined || exit.reason === expected.reason) &&
    (expected.program === undefined || exit.prog === expected.program) &&
    (expected.level === undefined || exit.level === expected.level) &&
    (expected.message === undefined || matches(expected.message, exit.message ?? "")) &&
    (expected.at === undefined || matches(expected.at, exit.location ?? "")) &&
    framesInOrder(exit, expected.frames ?? [])
  );
}

function framesInOrder(exit: ExitRecord, wanted: readonly Pattern[]): boolean {
  let next = 0;
  for (const { symbol } of exit.frames) {
    const pattern = wanted[next];
    if (pattern !== undefined && matches(pattern, symbol)) next += 1;
  }
  return next === wanted.length;
}

function shownActual(exit: ExitRecord, expected: ExpectedExit): Record<string, unknown> {
  return {
    reason: exit.reason,
    message: exit.message,
    at: exit.location,
    ...(expected.program === undefined ? {} : { program: exit.prog }),
    ...(expected.level === undefined ? {} : { level: exit.level }),
    ...(expected.frames === undefined ? {} : { frames: exit.frames.map(({ symbol }) => symbol) }),
  };
}

function shownExpected(exit: ExitRecord, expected: ExpectedExit): Record<string, unknown> {
  const symbols = exit.frames.map(({ symbol }) => symbol);
  return {
    reason: expected.reason ?? exit.reason,
    message: shownFor(expected.message, exit.message),
    at: shownFor(expected.at, exit.location),
    ...(expected.program === undefined ? {} : { program: expected.program }),
    ...(expected.level === undefined ? {} : { level: expected.level }),
    ...(expected.frames === undefined
      ? {}
      : { frames: framesInOrder(exit, expected.frames) ? symbols : expected.frames }),
  };
}

function describe(exit: ExitRecord): string {
  const frames = exit.frames.map(({ symbol }) => `    ${symbol}`).join("\n");
  const text = `  ${exit.prog}: ${exit.reason}: ${exit.message ?? ""}\n  at ${exit.location ?? "an unknown place"}\n${frames}`;
  return visible(text);
}

function asRun(received: unknown, matcher: string): Observed {
  if (received instanceof Observed) return received;
  throw new TypeError(
    `${matcher} looks at what t.guest.syscall, t.guest.trigger, t.guest.net.exchange or program.testRun gave`,
  );
}

/** What returns something: a system call, or a program without its hook. */
function asReturned(received: unknown): { readonly ret: bigint; readonly errnoName: string | undefined } {
  if (received instanceof Run) return received;
  if (received instanceof TestRun) return { ret: BigInt(received.retval), errnoName: undefined };
  throw new TypeError("toReturn looks at what t.guest.syscall, t.guest.trigger or program.testRun gave");
}
