// SPDX-License-Identifier: MIT
// What a campaign keeps: how far it has come, and what it has found.
//
//   <corpus>/campaign-<seed>.json    rewritten after each batch: kill -9 loses no more than what was under way
//   <corpus>/findings/<name>.spec.ts a test that fails by itself
//   <corpus>/refused/<n>.rs          a program that should compile and does not
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exists, publishFile } from "../../runner/support/cache.ts";
import { RexTestError } from "../../runner/support/errors.ts";

export interface FoundThing {
  /** Oracle and title. */
  readonly key: string;
  readonly file: string;
  readonly reproduced: number;
  readonly attempts: number;
  /** How often it was seen. */
  seen: number;
  /** When it was first seen, from the beginning of the campaign. */
  readonly afterMs: number;
}

export interface Progress {
  readonly version: 1;
  readonly target: string;
  readonly seed: number;
  /** All batches before this one are done. */
  nextBatch: number;
  programs: number;
  executions: number;
  /** Programs of which nothing could be predicted. */
  undecided: number;
  refused: number;
  /** Complaints that did not come again. */
  unconfirmed: number;
  elapsedMs: number;
  readonly findings: FoundThing[];
}

export class Corpus {
  readonly folder: string;
  readonly progress: Progress;
  readonly #done = new Set<number>();
  readonly #file: string;

  private constructor(folder: string, file: string, progress: Progress) {
    this.folder = folder;
    this.#file = file;
    this.progress = progress;
  }

  /** Goes on where a campaign with the same seed stopped. */
  static async open(folder: string, target: string, seed: number): Promise<Corpus> {
    await mkdir(join(folder, "findings"), { recursive: true });
    const file = join(folder, `campaign-${seed}.json`);
    const fresh: Progress = {
      version: 1,
      target,
      seed,
      nextBatch: 0,
      programs: 0,
      executions: 0,
      undecided: 0,
      refused: 0,
      unconfirmed: 0,
      elapsedMs: 0,
      findings: [],
    };
    if (!(await exists(file))) return new Corpus(folder, file, fresh);
    const kept = JSON.parse(await readFile(file, "utf8")) as Progress;
    if (kept.version === 1 && kept.target === target) return new Corpus(folder, file, kept);
    throw new RexTestError("the corpus is of another target, or of another version of rex-test", {
      where: file,
      hint: "--corpus <another folder>",
    });
  }

  finding(key: string): FoundThing | undefined {
    return this.progress.findings.find((finding) => finding.key === key);
  }

  /** A batch is done: with it, those up to some other may all be. */
  finishBatch(batch: number): void {
    this.#done.add(batch);
    while (this.#done.delete(this.progress.nextBatch)) this.progress.nextBatch += 1;
  }

  async save(): Promise<void> {
    await publishFile(this.#file, `${JSON.stringify(this.progress, null, 2)}\n`);
  }

  async keepFinding(key: string, make: (file: string) => string): Promise<string> {
    const file = join(this.folder, "findings", `${nameOf(key)}.spec.ts`);
    await writeFile(file, make(file));
    return file;
  }

  async keepRefused(source: string, rendered: string): Promise<string> {
    await mkdir(join(this.folder, "refused"), { recursive: true });
    const file = join(this.folder, "refused", `${this.progress.refused}.rs`);
    await writeFile(file, `${source}\n/*\n${rendered.replaceAll("*/", "* /")}\n*/\n`);
    return file;
  }
}

function nameOf(key: string): string {
  const words = key
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 60)
    .replace(/^-|-$/g, "");
  return `${words}-${createHash("sha256").update(key).digest("hex").slice(0, 6)}`;
}
