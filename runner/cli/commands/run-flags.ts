// SPDX-License-Identifier: MIT
// The values that the flags of `rex-test run` take, and which flags exclude each other.
import { randomInt } from "node:crypto";
import { InvalidArgumentError } from "commander";
import { RexTestError } from "../../support/errors.ts";

const highestSeed = 2 ** 31 - 1;

export function atLeastOne(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError("a whole number, 1 or more");
}

export function count(value: string): number {
  const number = Number(value);
  if (value !== "" && Number.isInteger(number) && number >= 0 && number <= 10_000) return number;
  throw new InvalidArgumentError("a whole number from 0 to 10000");
}

export function parseSeed(value: string): number {
  const number = Number(value);
  if (value !== "" && Number.isInteger(number) && number >= 0 && number <= highestSeed) return number;
  throw new InvalidArgumentError(`a seed is a whole number from 0 to ${highestSeed}`);
}

/** What a flag means that is given without its value. */
const withoutValue: Readonly<Record<string, () => string>> = {
  "--fail-fast": () => "1",
  "--shuffle": () => String(randomInt(1, highestSeed)),
  "--changed": () => "HEAD",
  "--coverage": () => "coverage",
};

/** Such a flag takes a value only after a "=": what follows it is a path, however it reads. */
export function withOptionalValues(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return argv.map((argument, at) => {
    const value = end === -1 || at < end ? withoutValue[argument] : undefined;
    return value === undefined ? argument : `${argument}=${value()}`;
  });
}

/** --coverage takes the chosen kernel in the config that counts; a kernel that was built already is what it is. */
export function configOf(
  { config, coverage }: { readonly config?: string; readonly coverage?: string },
  kernelIsGiven: boolean,
): string | undefined {
  if (coverage === undefined || kernelIsGiven) return config;
  return config === undefined ? "coverage" : `${config},coverage`;
}

interface Together {
  readonly config?: string;
  readonly kernelTree?: string;
  readonly list?: boolean;
  readonly run: boolean;
  readonly watch?: boolean;
  readonly changed?: string;
  readonly lastFailed?: boolean;
  readonly pauseOnFailure?: boolean;
}

/** Throws for flags that contradict each other. */
export function checkTogether(flags: Together, kernelIsGiven: boolean): void {
  const { config, kernelTree, list, run, watch, changed, lastFailed, pauseOnFailure } = flags;
  // A tree and a config go together: the tree is built with that config.
  for (const [name, other] of [
    ["--config", config],
    ["--kernel-tree", kernelTree],
  ]) {
    if (kernelIsGiven && other !== undefined)
      throw new RexTestError(`--kernel and ${name} both say which kernel`, { hint: "give one of them" });
  }
  if (list && !run)
    throw new RexTestError("--list and --no-run are different things", {
      hint: "--list only reads the specs; --no-run prepares the kernel and the programs too",
    });
  for (const [name, given] of [
    ["--list", list],
    ["--no-run", !run],
    ["--changed", changed !== undefined],
    ["--last-failed", lastFailed],
    ["--pause-on-failure", pauseOnFailure],
  ] as const) {
    if (watch && given)
      throw new RexTestError(`--watch and ${name} don't go together`, {
        hint: "give one of them; --watch runs all specs first, then those that are concerned by what changes, and has the keys",
      });
  }
}

/** Guests that keep so many CPUs busy: a test waits for a quarter of its time, mostly for the kernel to free what is not used any more. */
export function guestsAtOnce(cpus: number): number {
  return cpus + Math.ceil(cpus / 2);
}
