// SPDX-License-Identifier: MIT
// Options of a test: checked once, before anything starts, so that a mistake is reported where it was made.
import { RexTestError } from "../../support/errors.ts";

export interface Permissions {
  /** Run the host's tools in the guest (`t.guest.exec`): a read-only view of the host's file system through 9p. */
  readonly hostTools?: boolean;
}

export interface TestOptions {
  /** CPUs of the guest, 1 to 16; 1 if not given. */
  readonly cpus?: number;
  /** RAM of the guest, 64 to 8192; 128 if not given. */
  readonly memoryMiB?: number;
  /** From the guest's readiness to the end of the test, ms. */
  readonly timeoutMs?: number;
  readonly permissions?: Permissions;
  /** Fails the test on a splat in the kernel log that it did not expect; true if not given. */
  readonly sanitizeSplat?: boolean;
  /** Fails the test when the kernel is tainted at its end; true if not given. */
  readonly sanitizeTaint?: boolean;
  /** Fails the test when programs, maps or links are left in the kernel; true if not given. */
  readonly sanitizeResources?: boolean;
  /** Fails the test when a program ended abnormally and no assertion looked at it; true if not given. */
  readonly sanitizeExits?: boolean;
}

export interface CheckedOptions {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly timeoutMs: number | undefined;
  readonly hostTools: boolean;
  readonly sanitize: {
    readonly splat: boolean;
    readonly taint: boolean;
    readonly resources: boolean;
    readonly exits: boolean;
  };
}

const known: ReadonlySet<string> = new Set<keyof TestOptions>([
  "cpus",
  "memoryMiB",
  "timeoutMs",
  "permissions",
  "sanitizeSplat",
  "sanitizeTaint",
  "sanitizeResources",
  "sanitizeExits",
]);

export function checkOptions(name: string, options: TestOptions): CheckedOptions {
  for (const key of Object.keys(options)) {
    if (!known.has(key)) throw wrong(name, `there is no option "${key}"; there are ${[...known].join(", ")}`);
  }
  return {
    cpus: integerBetween(name, "cpus", options.cpus ?? 1, 1, 16),
    memoryMiB: integerBetween(name, "memoryMiB", options.memoryMiB ?? 128, 64, 8192),
    timeoutMs:
      options.timeoutMs === undefined
        ? undefined
        : integerBetween(name, "timeoutMs", options.timeoutMs, 1, 3_600_000),
    hostTools: options.permissions?.hostTools ?? false,
    sanitize: {
      splat: options.sanitizeSplat ?? true,
      taint: options.sanitizeTaint ?? true,
      resources: options.sanitizeResources ?? true,
      exits: options.sanitizeExits ?? true,
    },
  };
}

function integerBetween(
  test: string,
  option: string,
  value: number,
  lowest: number,
  highest: number,
): number {
  if (Number.isInteger(value) && value >= lowest && value <= highest) return value;
  throw wrong(
    test,
    `${option} is ${String(value)}, and has to be a whole number from ${lowest} to ${highest}`,
  );
}

function wrong(test: string, what: string): RexTestError {
  return new RexTestError(`rexTest("${test}"): ${what}`, { outcome: "failure" });
}
