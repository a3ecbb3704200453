// SPDX-License-Identifier: MIT
// The coverage of a run: counters are set to zero when a test gets its guest and read when it gives it back, and at the end
// of the run gcov says which lines that were.
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { notesFolder, requireNotes } from "../kernel/gcov.ts";
import { sourcesFolder } from "../kernel/repository.ts";
import { publishFile } from "../support/cache.ts";
import { errnoOf, RexTestError } from "../support/errors.ts";
import { plural } from "../support/format.ts";
import { type Counters, type CountingGuest, takeCounters } from "./counters.ts";
import { Coverage } from "./coverage.ts";
import { coverageByLine } from "./gcov.ts";
import { coveragePage } from "./html.ts";
import { lcovText } from "./lcov.ts";
import { type FileCoverage, type Tallies, talliesOf, totalOf } from "./lines.ts";
import type { FileTallies } from "./table.ts";

export interface CoverageSummary {
  /** With lcov.info and index.html. */
  readonly folder: string;
  readonly files: readonly FileTallies[];
  readonly total: Tallies;
  /** What is not in it. */
  readonly notes: readonly string[];
}

export interface CountedKernel {
  readonly name: string;
  readonly path: string;
  readonly config: { has(option: string): boolean };
}

/** A guest that a test has or had. */
export interface CoveredGuest extends CountingGuest {
  /** Has a verdict when the guest has come to an end of its own. */
  report(): { readonly verdict?: unknown };
}

/** The agent reads some fifty small files. */
const readLimitMs = 15_000;

export class CoverageCollector {
  readonly #kernel: CountedKernel;
  readonly #folder: string;
  readonly #coverage = new Coverage();
  #counted = 0;
  #lost = 0;
  #elsewhere = 0;

  private constructor(kernel: CountedKernel, folder: string) {
    this.#kernel = kernel;
    this.#folder = folder;
  }

  /** @throws RexTestError when the kernel does not count, or there is no place for the report. */
  static async open(kernel: CountedKernel, folder: string): Promise<CoverageCollector> {
    await requireNotes(kernel.path, kernel.config.has("GCOV_KERNEL"));
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw new RexTestError(`the folder for the coverage can't be made (${errnoOf(error) ?? "error"})`, {
        where: folder,
        hint: "name another one: --coverage=FOLDER",
        cause: error,
      });
    }
    return new CoverageCollector(kernel, folder);
  }

  /** A test is about to have the guest. What its boot has run is everybody's, and is added as far as it is new. */
  async begin(guest: CoveredGuest, kernel: string | undefined): Promise<void> {
    if (kernel !== undefined) return;
    const boot = await take(guest);
    if (boot !== undefined && this.#coverage.novelty(boot) > 0) this.#coverage.add(boot);
  }

  /** A test has had it. */
  async end(guest: CoveredGuest, kernel: string | undefined): Promise<void> {
    if (kernel !== undefined) {
      this.#elsewhere += 1;
      return;
    }
    const counters = await take(guest);
    if (counters === undefined) this.#lost += 1;
    else {
      this.#counted += 1;
      this.#coverage.add(counters);
    }
  }

  /** Writes the report. */
  async write(): Promise<CoverageSummary> {
    const notes = notesFolder(this.#kernel.path);
    const sources = await sourcesIn(notes);
    const files = await coverageByLine(this.#coverage.counters, { folder: notes, sources });
    const withText = await Promise.all(
      files.map(async (coverage) => ({ coverage, text: await readFile(join(notes, coverage.path), "utf8") })),
    );
    const told = this.#notes();
    const title = `Coverage of the runtime: ${this.#kernel.name}`;
    await publishFile(join(this.#folder, "lcov.info"), lcovText(files, await placesOf(notes, withText)));
    await publishFile(join(this.#folder, "index.html"), coveragePage(withText, title, told));
    const tallies = files.map((file) => ({ path: file.path, ...talliesOf(file) }));
    return { folder: this.#folder, files: tallies, total: totalOf(tallies), notes: told };
  }

  #notes(): readonly string[] {
    const notes = [`${plural(this.#counted, "guest")} counted`];
    if (this.#lost > 0)
      notes.push(`of ${plural(this.#lost, "guest")} that crashed, hung or was ended nothing is known`);
    if (this.#elsewhere > 0)
      notes.push(`${plural(this.#elsewhere, "test")} on a kernel of their own (kernel: "…") are not in it`);
    return notes;
  }
}

/** Undefined when the guest is not there any more: its test is told why. */
async function take(guest: CoveredGuest): Promise<Counters | undefined> {
  if (guest.report().verdict !== undefined) return undefined;
  return takeCounters(guest, { timeoutMs: readLimitMs }).catch(() => undefined);
}

async function sourcesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => /\.[ch]$/.test(name));
}

/** The sources in the repository, where they are still what was compiled; else those that were kept with the kernel. */
async function placesOf(
  notes: string,
  files: readonly { readonly coverage: FileCoverage; readonly text: string }[],
): Promise<(path: string) => string> {
  const places = new Map<string, string>();
  for (const { coverage, text } of files) {
    const own = join(sourcesFolder, coverage.path);
    const now = await readFile(own, "utf8").catch(() => undefined);
    places.set(coverage.path, now === text ? own : join(notes, coverage.path));
  }
  return (path) => places.get(path) ?? path;
}
