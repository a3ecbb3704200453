// SPDX-License-Identifier: MIT
// Which lines of the crate a campaign has reached. They are compiled into programs, so that no counter of the kernel knows of them.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SeenLines } from "./crate-watch.ts";
import type { CampaignState, CrateLines, LinesByFile } from "./state.ts";

const sourcesFolder = fileURLToPath(new URL("../../rex-crate/rex/src", import.meta.url));

/** Of the crate's sources: the lines of others have other numbers. */
export async function crateStamp(folder = sourcesFolder): Promise<string> {
  const hash = createHash("sha256");
  const names = await readdir(folder, { recursive: true });
  for (const name of names.filter((file) => file.endsWith(".rs")).sort())
    hash.update(`${name}\0`).update(await readFile(join(folder, name)));
  return hash.digest("hex").slice(0, 16);
}

export class CrateCoverage {
  readonly #state: CampaignState;
  readonly #stamp: string;
  readonly #reached: Set<string>;
  readonly #found: Set<string>;

  /** Goes on where the campaign stopped, unless the crate is another one. */
  constructor(state: CampaignState, stamp: string) {
    this.#state = state;
    this.#stamp = stamp;
    const kept = state.crate?.stamp === stamp ? state.crate : undefined;
    this.#reached = new Set(linesOf(kept?.reached ?? {}));
    this.#found = new Set(linesOf(kept?.found ?? {}));
  }

  get reached(): number {
    return this.#reached.size;
  }

  /** Lines with code in the objects so far: what no program uses is in none. */
  get found(): number {
    return this.#found.size;
  }

  /** Those that were not reached before. Nothing is added. */
  newIn({ reached }: SeenLines): string[] {
    return [...reached].filter((line) => !this.#reached.has(line));
  }

  add(seen: SeenLines): void {
    const before = this.#reached.size + this.#found.size;
    for (const line of seen.reached) this.#reached.add(line);
    for (const line of seen.found) this.#found.add(line);
    if (this.#reached.size + this.#found.size === before) return;
    const crate: CrateLines = {
      stamp: this.#stamp,
      reached: byFile(this.#reached),
      found: byFile(this.#found),
    };
    this.#state.crate = crate;
  }
}

function linesOf(files: LinesByFile): string[] {
  return Object.entries(files).flatMap(([file, numbers]) => numbers.map((number) => `${file}:${number}`));
}

function byFile(lines: ReadonlySet<string>): LinesByFile {
  const files = new Map<string, number[]>();
  for (const line of [...lines].sort()) {
    const at = line.lastIndexOf(":");
    const [file, number] = [line.slice(0, at), Number(line.slice(at + 1))];
    files.set(file, [...(files.get(file) ?? []), number]);
  }
  return Object.fromEntries([...files].map(([file, numbers]) => [file, numbers.sort((a, b) => a - b)]));
}
