// SPDX-License-Identifier: MIT
// Inputs that are worth keeping: what their batch covered for the first time, or a finding. Campaigns make new inputs of them; other machines
// get them by `rex-test fuzz merge`.
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { publishFile } from "../../runner/support/cache.ts";
import { errnoOf, RexTestError } from "../../runner/support/errors.ts";
import { shortHash } from "./hash.ts";

export interface KeptInput {
  readonly version: 1;
  readonly target: string;
  /** The campaign that has found it, and in which batch. */
  readonly seed: number;
  readonly batch: number;
  readonly why: "coverage" | "finding";
  /** Of a finding: its key. */
  readonly key?: string;
  /** Lines and branches that nothing before it had covered. */
  readonly raised: readonly string[];
  /** What the target makes inputs of. */
  readonly input: unknown;
}

export class KeptInputs {
  readonly #folder: string;
  readonly #inputs = new Map<string, KeptInput>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(corpus: string): Promise<KeptInputs> {
    const kept = new KeptInputs(join(corpus, "inputs"));
    for (const [name, input] of await readInputs(corpus)) kept.#inputs.set(name, input);
    return kept;
  }

  get count(): number {
    return this.#inputs.size;
  }

  /** By name, in the order of their names: the same on all machines. */
  get all(): readonly (readonly [name: string, input: KeptInput])[] {
    return [...this.#inputs].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** One that is there already stays as it is. */
  async keep(input: KeptInput): Promise<void> {
    const name = nameOf(input);
    if (this.#inputs.has(name)) return;
    this.#inputs.set(name, input);
    await mkdir(this.#folder, { recursive: true });
    await publishFile(join(this.#folder, name), `${JSON.stringify(input)}\n`);
  }
}

export function nameOf({ target, input }: KeptInput): string {
  return `${shortHash(JSON.stringify([target, input]))}.json`;
}

export async function readInputs(corpus: string): Promise<Map<string, KeptInput>> {
  const folder = join(corpus, "inputs");
  const names = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  const inputs = new Map<string, KeptInput>();
  for (const name of names.filter((file) => /^[0-9a-f]+\.json$/.test(file)).sort())
    inputs.set(name, parseInput(join(folder, name), await readFile(join(folder, name), "utf8")));
  return inputs;
}

function parseInput(where: string, text: string): KeptInput {
  try {
    const input = JSON.parse(text) as Partial<KeptInput>;
    if (input.version === 1 && Array.isArray(input.raised)) return input as KeptInput;
  } catch {
    // told below
  }
  throw new RexTestError("a kept input is damaged, or of another version of rex-test", {
    where,
    hint: "remove it",
  });
}

/**
 * Without those that add nothing: each line that somebody raised is still raised by one that stays, and of each finding one stays. Those
 * that raised the most come first.
 */
export function minimised(inputs: ReadonlyMap<string, KeptInput>): Map<string, KeptInput> {
  const size = (input: KeptInput) => JSON.stringify(input.input).length;
  const byWorth = [...inputs].sort(
    ([nameA, a], [nameB, b]) =>
      b.raised.length - a.raised.length || size(a) - size(b) || (nameA < nameB ? -1 : 1),
  );
  const seen = new Set<string>();
  const kept = new Map<string, KeptInput>();
  for (const [name, input] of byWorth) {
    const adds = input.key === undefined ? input.raised : [...input.raised, `finding ${input.key}`];
    if (adds.every((what) => seen.has(what))) continue;
    for (const what of adds) seen.add(what);
    kept.set(name, input);
  }
  return kept;
}
