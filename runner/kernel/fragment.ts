// SPDX-License-Identifier: MIT
// Kernel configuration fragments: what is asked for, and whether it stuck.
import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { exists } from "../support/cache.ts";
import { RexTestError } from "../support/errors.ts";
import { configsFolder } from "./repository.ts";

/** Symbol (without CONFIG_) → value as .config spells it; "n" for "is not set". */
export type Settings = ReadonlyMap<string, string>;

export interface Fragment {
  readonly name: string;
  readonly path: string;
  readonly text: string;
  readonly settings: Settings;
}

/** Reads a fragment or a .config. A line that is neither a setting nor a comment is an error with its number. */
export function parseSettings(text: string, path: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const [index, line] of text.split("\n").entries()) {
    const set = /^CONFIG_(\w+)=(\S.*?)\s*$/.exec(line);
    const unset = /^# CONFIG_(\w+) is not set\s*$/.exec(line);
    if (set?.[1] && set[2]) settings.set(set[1], set[2]);
    else if (unset?.[1]) settings.set(unset[1], "n");
    else if (line.trim() !== "" && !line.startsWith("#")) {
      throw new RexTestError(`not a kernel option: ${JSON.stringify(line)}`, {
        where: `${path}:${index + 1}`,
        hint: "write CONFIG_NAME=value, or # CONFIG_NAME is not set",
      });
    }
  }
  return settings;
}

/** Later fragments win, as merge_config.sh has it. */
export function mergeSettings(fragments: readonly { readonly settings: Settings }[]): Map<string, string> {
  const merged = new Map<string, string>();
  for (const fragment of fragments)
    for (const [symbol, value] of fragment.settings) merged.set(symbol, value);
  return merged;
}

export interface Mismatch {
  readonly symbol: string;
  readonly wanted: string;
  readonly got: string;
}

/** Options that did not stick. What .config does not mention is off. */
export function findMismatches(wanted: Settings, got: Settings): Mismatch[] {
  const mismatches: Mismatch[] = [];
  for (const [symbol, value] of wanted) {
    const actual = got.get(symbol) ?? "n";
    if (actual !== value) mismatches.push({ symbol, wanted: value, got: actual });
  }
  return mismatches;
}

/** Names of the fragments in kernel/configs. */
export async function knownConfigs(): Promise<string[]> {
  const files = await readdir(configsFolder);
  return files
    .filter((file) => file.endsWith(".config"))
    .map((file) => basename(file, ".config"))
    .sort();
}

/**
 * The fragments of "--config a,b": always default first, then those asked for. A name with a slash, or one that ends in .config,
 * is a fragment file of the user's own.
 */
export async function loadFragments(config: string): Promise<Fragment[]> {
  const asked = config
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "default");
  const fragments: Fragment[] = [];
  for (const name of ["default", ...new Set(asked)]) {
    const own = name.includes("/") || name.endsWith(".config");
    const path = own ? resolve(name) : join(configsFolder, `${name}.config`);
    if (!(await exists(path))) {
      throw new RexTestError(
        own ? `no such config fragment: ${name}` : `there is no kernel config named ${JSON.stringify(name)}`,
        {
          where: path,
          hint: `one of ${(await knownConfigs()).join(", ")}, several joined by commas, or the path of a fragment file`,
        },
      );
    }
    const text = await readFile(path, "utf8");
    fragments.push({ name: basename(path, ".config"), path, text, settings: parseSettings(text, path) });
  }
  return fragments;
}

/** "default", or the names of what was added to it: "kmemleak", "kmemleak+orc". */
export function configName(fragments: readonly Fragment[]): string {
  const added = fragments.slice(1).map((fragment) => fragment.name.replaceAll(/[^\w.]/g, "_"));
  return added.length === 0 ? "default" : added.join("+");
}
