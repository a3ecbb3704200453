// SPDX-License-Identifier: MIT
// Options of a test: checked once, before anything starts, so that a mistake is reported where it was made.
import { RexTestError } from "../../support/errors.ts";
import type { Isolation } from "../host/protocol.ts";
import { type CheckedPermissions, checkPermissions, driversOf, type Permissions } from "./permissions.ts";

export interface Requirements {
  /** Options of the kernel that have to be on, without CONFIG_: "FAILSLAB". */
  readonly config?: string | readonly string[];
}

export interface TestOptions {
  /** Reported, not run; a text is the reason that the report gives. */
  readonly ignore?: boolean | string;
  /** Of this file only such tests are run. In CI (the variable CI is set) it is an error, because it was left behind. */
  readonly only?: boolean;
  /** For `--tags`: letters, digits, dots, dashes and colons. */
  readonly tags?: string | readonly string[];
  /** Further attempts when the test fails, each on a new guest; `--retry`, or 0, if not given. */
  readonly retry?: number;
  /** How often it is run again although it passed; all runs have to pass. `--repeats`, or 0, if not given. */
  readonly repeats?: number;
  /** Configs of the kernel that this test is run on, whatever kernel the run is on: "lockdep", as for `--config`. */
  readonly kernel?: string;
  /**
   * Which tests share a guest: none ("test"), those of the file ("file") or all ("none"), as far as they want the same machine and leave it
   * as they found it; after one that does not, or fails, the next gets a new guest. `--isolate`, or "test", if not given.
   */
  readonly isolate?: Isolation;
  /** CPUs of the guest, 1 to 16; 1 if not given. */
  readonly cpus?: number;
  /**
   * Where the guest is emulated its CPUs take turns on one thread of the host: for tests that patch code which another CPU runs meanwhile.
   * They are not truly parallel then; false if not given.
   */
  readonly cpusTakeTurns?: boolean;
  /** RAM of the guest, MiB, 64 to 8192; 128 if not given. */
  readonly memory?: number;
  /** The same as `memory`. */
  readonly memoryMiB?: number;
  /** From the guest's readiness to the end of the test, ms. */
  readonly timeout?: number;
  /** The same as `timeout`. */
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
  /** Why it is not run. */
  readonly ignored: string | undefined;
  readonly only: boolean;
  readonly tags: readonly string[];
  readonly retry: number | undefined;
  readonly repeats: number | undefined;
  readonly kernel: string | undefined;
  readonly isolate: Isolation | undefined;
  readonly cpus: number;
  readonly cpusTakeTurns: boolean;
  readonly memoryMiB: number;
  readonly timeoutMs: number | undefined;
  readonly permissions: CheckedPermissions;
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
  "ignore",
  "only",
  "tags",
  "retry",
  "repeats",
  "kernel",
  "isolate",
  "cpus",
  "cpusTakeTurns",
  "memory",
  "memoryMiB",
  "timeout",
  "timeoutMs",
  "permissions",
  "kernelParameters",
  "requires",
  "sanitizeSplat",
  "sanitizeTaint",
  "sanitizeResources",
  "sanitizeExits",
]);

const isolations: readonly Isolation[] = ["test", "file", "none"];

export const tagPattern = /^[\w][\w.:-]*$/;
const mostRuns = 10_000;

export function checkOptions(name: string, options: TestOptions): CheckedOptions {
  for (const key of Object.keys(options)) {
    if (!known.has(key)) throw wrong(name, `there is no option "${key}"; there are ${[...known].join(", ")}`);
  }
  const count = (option: "retry" | "repeats") =>
    optional(options[option], (value) => integerBetween(name, option, value, 0, mostRuns));
  const memory = oneOf(name, options, "memory", "memoryMiB") ?? 128;
  const permissions = checkPermissions(options.permissions ?? {}, (what) => wrong(name, what));
  const timeout = oneOf(name, options, "timeout", "timeoutMs");
  return {
    ignored: reasonToIgnore(name, options.ignore ?? false),
    only: options.only ?? false,
    tags: tagsOf(name, options.tags ?? []),
    retry: count("retry"),
    repeats: count("repeats"),
    kernel: optional(options.kernel, (value) => configNames(name, value)),
    isolate: optional(options.isolate, (value) => isolation(name, value)),
    cpus: integerBetween(name, "cpus", options.cpus ?? 1, 1, 16),
    cpusTakeTurns: options.cpusTakeTurns ?? false,
    memoryMiB: integerBetween(name, "memory", memory, 64, 8192),
    timeoutMs: optional(timeout, (value) => integerBetween(name, "timeout", value, 1, 3_600_000)),
    permissions,
    kernelParameters: words(name, options.kernelParameters ?? []),
    requiredConfig: [...configOptions(name, options.requires?.config ?? []), ...driversOf(permissions)],
    sanitize: {
      splat: options.sanitizeSplat ?? true,
      taint: options.sanitizeTaint ?? true,
      resources: options.sanitizeResources ?? true,
      exits: options.sanitizeExits ?? true,
    },
  };
}

function isolation(test: string, level: Isolation): Isolation {
  if (isolations.includes(level)) return level;
  throw wrong(test, `isolate is ${JSON.stringify(level)}, and has to be one of ${isolations.join(", ")}`);
}

function reasonToIgnore(test: string, ignore: boolean | string): string | undefined {
  if (ignore === false) return undefined;
  if (ignore === true) return "the spec says so";
  if (ignore.trim() !== "") return ignore;
  throw wrong(test, "ignore is an empty text; give a reason, or true");
}

function tagsOf(test: string, tags: string | readonly string[]): readonly string[] {
  const list = typeof tags === "string" ? [tags] : tags;
  const bad = list.find((tag) => !tagPattern.test(tag));
  if (bad === undefined) return [...new Set(list)];
  throw wrong(
    test,
    `${JSON.stringify(bad)} is not a tag; one has letters, digits, dots, dashes and colons: "slow"`,
  );
}

/** Two names of one option. */
function oneOf<A extends keyof TestOptions, B extends keyof TestOptions>(
  test: string,
  options: TestOptions,
  first: A,
  second: B,
): TestOptions[A] | TestOptions[B] {
  if (options[first] === undefined) return options[second];
  if (options[second] === undefined) return options[first];
  throw wrong(test, `${first} and ${second} are the same option; give one of them`);
}

function optional<T, R>(value: T | undefined, check: (value: T) => R): R | undefined {
  return value === undefined ? undefined : check(value);
}

function words(test: string, parameters: readonly string[]): readonly string[] {
  const bad = parameters.find((word) => !/^[\x21-\x7e]+$/.test(word));
  if (bad === undefined) return parameters;
  throw wrong(test, `${JSON.stringify(bad)} is not one word for the kernel command line`);
}

function configNames(test: string, names: string): string {
  if (/^[\w.-]+(,[\w.-]+)*$/.test(names)) return names;
  throw wrong(
    test,
    `kernel is ${JSON.stringify(names)}, and has to be the name of a config, or several: "lockdep"`,
  );
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
