// SPDX-License-Identifier: MIT
// Options of a test: checked once, before anything starts, so that a mistake is reported where it was made.
import { RexTestError } from "../../support/errors.ts";

export interface Permissions {
  /** Run the host's tools in the guest (`t.guest.exec`): a read-only view of the host's file system through 9p. */
  readonly hostTools?: boolean;
}

export interface Requirements {
  /** Options of the kernel that have to be on, without CONFIG_: "FAILSLAB". */
  readonly config?: string | readonly string[];
}

export interface TestOptions {
  /** CPUs of the guest, 1 to 16; 1 if not given. */
  readonly cpus?: number;
  /** RAM of the guest, 64 to 8192; 128 if not given. */
  readonly memoryMiB?: number;
  /** From the guest's readiness to the end of the test, ms. */
  readonly timeoutMs?: number;
  readonly permissions?: Permissions;
  /** Added to the kernel command line: `["maxcpus=1"]`. */
  readonly kernelParameters?: readonly string[];
  /** Without these the test can't be run: it is then ignored, and the report says why. */
  readonly requires?: Requirements;
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
  readonly kernelParameters: readonly string[];
  readonly requiredConfig: readonly string[];
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
  "kernelParameters",
  "requires",
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
    kernelParameters: words(name, options.kernelParameters ?? []),
    requiredConfig: configOptions(name, options.requires?.config ?? []),
    sanitize: {
      splat: options.sanitizeSplat ?? true,
      taint: options.sanitizeTaint ?? true,
      resources: options.sanitizeResources ?? true,
      exits: options.sanitizeExits ?? true,
    },
  };
}

function words(test: string, parameters: readonly string[]): readonly string[] {
  const bad = parameters.find((word) => !/^[\x21-\x7e]+$/.test(word));
  if (bad === undefined) return parameters;
  throw wrong(test, `${JSON.stringify(bad)} is not one word for the kernel command line`);
}

function configOptions(test: string, wanted: string | readonly string[]): readonly string[] {
  const options = typeof wanted === "string" ? [wanted] : wanted;
  const bad = options.find((option) => !/^(?!CONFIG_)[A-Z0-9_]+$/.test(option));
  if (bad === undefined) return options;
  throw wrong(
    test,
    `requires.config: ${JSON.stringify(bad)} is not a kernel option; write FAILSLAB for CONFIG_FAILSLAB`,
  );
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
