// SPDX-License-Identifier: MIT
// The configuration of a finished kernel: which options it has, and how much slower and bigger they make it than the default one.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../support/cache.ts";
import { parseSettings, type Settings } from "./fragment.ts";

/** Factors over a kernel of the default config. */
export interface Slowness {
  /** Everything takes this many times longer. */
  readonly time: number;
  /** A guest needs this many times the memory. */
  readonly memory: number;
}

/** Options that cost, measured on this project's specs under TCG; of several the dearest counts. */
const costs: readonly { readonly option: string; readonly time: number; readonly memory: number }[] = [
  { option: "PROVE_LOCKING", time: 3, memory: 1.5 },
  { option: "KASAN", time: 4, memory: 3 },
  { option: "DEBUG_KMEMLEAK", time: 2, memory: 2 },
];

export class KernelConfig {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Whether an option is on: `has("DEBUG_KMEMLEAK")`. */
  has(option: string): boolean {
    const value = this.get(option);
    return value === "y" || value === "m";
  }

  /** The value as .config spells it: "y", "250", "\"text\""; undefined when it is off. */
  get(option: string): string | undefined {
    const value = this.#settings.get(option.replace(/^CONFIG_/, ""));
    return value === "n" ? undefined : value;
  }

  get slowness(): Slowness {
    const paid = costs.filter(({ option }) => this.has(option));
    return {
      time: Math.max(1, ...paid.map(({ time }) => time)),
      memory: Math.max(1, ...paid.map(({ memory }) => memory)),
    };
  }

  /** What is on, for a thread that gets a copy. */
  toRecord(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#settings].filter(([, value]) => value !== "n"));
  }

  static fromRecord(record: Readonly<Record<string, string>>): KernelConfig {
    return new KernelConfig(new Map(Object.entries(record)));
  }
}

/** The configuration beside a kernel; one without is taken for a kernel with no options known. */
export async function readKernelConfig(folder: string): Promise<KernelConfig> {
  const path = join(folder, "config");
  return new KernelConfig(
    (await exists(path)) ? parseSettings(await readFile(path, "utf8"), path) : new Map(),
  );
}
