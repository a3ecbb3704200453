// SPDX-License-Identifier: MIT
// On a kernel that counts what runs of the runtime (--config coverage): what a campaign has covered, and which inputs to keep because they
// were the first to get somewhere.
//
// The compiler counts arcs, about one for each way that the code can go. Counters are set to zero when a guest begins and read after each use
// of it; when there is a new arc in them the inputs are run again by halves, in the same guest, until those are found that take it. So it is
// with lines of the crate, which is compiled into the programs, where QEMU can be had to note what it translates (crate-watch.ts).
import { readdir } from "node:fs/promises";
import type { Translations } from "../../qemu/machine.ts";
import { type Counters, takeCounters } from "../../runner/coverage/counters.ts";
import { Coverage } from "../../runner/coverage/coverage.ts";
import type { ObjectCounters } from "../../runner/coverage/gcda.ts";
import { coverageByLine } from "../../runner/coverage/gcov.ts";
import { talliesOf, totalOf } from "../../runner/coverage/lines.ts";
import { hasNotes, notesFolder } from "../../runner/kernel/gcov.ts";
import type { CrateCoverage } from "./crate-coverage.ts";
import type { SeenLines } from "./crate-watch.ts";
import type { FuzzGuest } from "./fuzz-guest.ts";
import type { CampaignState, CoverageCounts, TakenArcs } from "./state.ts";
import type { Complaint } from "./trial.ts";

/** The agent reads some fifty small files. */
const readLimitMs = 30_000;
/** Runs again, for one batch: at the beginning of a campaign everything is new, and by and large the same for all inputs. */
const rerunsAtMost = 24;

/** How to find out which inputs of a batch have reached something. */
export interface Blame {
  readonly inputs: number;
  /** Runs some of them again, by their indices. */
  again(guest: FuzzGuest, some: readonly number[]): Promise<Complaint[]>;
  keep(index: number, raised: readonly string[]): Promise<void>;
}

export interface CountingKernel {
  readonly path: string;
  readonly config: { has(option: string): boolean };
}

/** What guests have to note, and what is known so far. */
export interface WatchedCrate {
  readonly translations: Translations;
  readonly coverage: CrateCoverage;
}

/** What has run. */
interface Seen {
  readonly counters: Counters;
  readonly crate: SeenLines | undefined;
}

export class Guidance {
  readonly #kernel: string;
  readonly #state: CampaignState;
  readonly #coverage = new Coverage();
  readonly #crate: WatchedCrate | undefined;
  /** The arcs at the last tally, and what that were. */
  #tallied: { readonly taken: number; readonly counts: CoverageCounts } | undefined;
  #tallying: Promise<void> = Promise.resolve();

  private constructor(kernel: string, state: CampaignState, crate: WatchedCrate | undefined) {
    this.#kernel = kernel;
    this.#crate = crate;
    this.#state = state;
  }

  /** undefined for a kernel that does not count. */
  static async open(
    kernel: CountingKernel,
    state: CampaignState,
    crate?: WatchedCrate,
  ): Promise<Guidance | undefined> {
    return (await isCounting(kernel)) ? new Guidance(kernel.path, state, crate) : undefined;
  }

  /** For the guests whose use is looked at; undefined: the crate is not watched. */
  get translations(): Translations | undefined {
    return this.#crate?.translations;
  }

  /** What has run so far in a guest is due to none of its inputs. */
  async begin(guest: FuzzGuest): Promise<void> {
    const seen = await take(guest);
    this.#restore(seen.counters);
    this.#add(seen);
  }

  /** After a use about which there are no complaints. Those that come up while inputs are run again. */
  async end(guest: FuzzGuest, blame?: Blame): Promise<Complaint[]> {
    const seen = await take(guest);
    if (this.#raisedBy(seen).length === 0) return [];
    const search = { guest, left: rerunsAtMost };
    const all = blame === undefined ? [] : [...Array(blame.inputs).keys()];
    const complaints = blame === undefined ? [] : await this.#search(search, blame, all);
    // What none of them reaches again: interrupts, and what depends on what was before.
    this.#add(seen);
    return complaints;
  }

  /** Has the numbers in the state be those of now. */
  async tally(): Promise<void> {
    const tallying = this.#tallying.then(() => this.#tally());
    this.#tallying = tallying.catch(() => undefined);
    await tallying;
  }

  async #search(
    search: { readonly guest: FuzzGuest; left: number },
    blame: Blame,
    suspects: readonly number[],
  ): Promise<Complaint[]> {
    const middle = suspects.length >> 1;
    const [only] = suspects;
    const parts = suspects.length === 1 ? [suspects] : [suspects.slice(0, middle), suspects.slice(middle)];
    for (const part of parts) {
      if (search.left === 0 || part.length === 0) return [];
      search.left -= 1;
      const complaints = await blame.again(search.guest, part);
      if (complaints.length > 0) return complaints;
      const seen = await take(search.guest);
      const raised = this.#raisedBy(seen);
      if (raised.length === 0) continue;
      if (part.length > 1) {
        const more = await this.#search(search, blame, part);
        if (more.length > 0) return more;
        continue;
      }
      this.#add(seen);
      await blame.keep(part[0] ?? only ?? 0, raised);
    }
    return [];
  }

  #raisedBy({ counters, crate }: Seen): string[] {
    const lines = crate === undefined ? [] : (this.#crate?.coverage.newIn(crate) ?? []);
    return [...newArcs(this.#coverage, counters), ...lines];
  }

  #add({ counters, crate }: Seen): void {
    if (crate !== undefined) this.#crate?.coverage.add(crate);
    if (this.#coverage.add(counters) === 0) return;
    const taken: Record<string, TakenArcs> = {};
    for (const [name, { shape, counts }] of this.#coverage.counters)
      taken[name] = { stamp: shape.stamp, arcs: bitsOf(counts) };
    this.#state.taken = taken;
  }

  /** What the campaign had covered before it was interrupted, as far as it is of the same kernel. */
  #restore(like: Counters): void {
    if (this.#coverage.arcs > 0) return;
    const before = new Map<string, ObjectCounters>();
    for (const [name, { shape, counts }] of like) {
      const kept = this.#state.taken?.[name];
      if (kept?.stamp === shape.stamp)
        before.set(name, { shape, counts: countsOf(kept.arcs, counts.length) });
    }
    this.#coverage.add(before);
  }

  async #tally(): Promise<void> {
    if (this.#coverage.arcs === 0) return;
    const { taken } = this.#coverage;
    if (this.#tallied?.taken !== taken) this.#tallied = { taken, counts: await this.#countsOfRuntime() };
    const { reached, found } = this.#crate?.coverage ?? {};
    this.#state.covered = {
      ...this.#tallied.counts,
      ...(reached === undefined || found === undefined ? {} : { crateLines: reached, crateLinesOf: found }),
    };
  }

  async #countsOfRuntime(): Promise<CoverageCounts> {
    const { taken, arcs, counters } = this.#coverage;
    const folder = notesFolder(this.#kernel);
    const names = await readdir(folder, { recursive: true });
    const sources = names.filter((name) => /\.[ch]$/.test(name));
    const { lines, branches } = totalOf((await coverageByLine(counters, { folder, sources })).map(talliesOf));
    return {
      arcs: taken,
      arcsOf: arcs,
      lines: lines.hit,
      linesOf: lines.found,
      branches: branches.hit,
      branchesOf: branches.found,
    };
  }
}

/** Whether a kernel counts what runs of the runtime. */
export async function isCounting({ path, config }: CountingKernel): Promise<boolean> {
  return config.has("GCOV_KERNEL") && (await hasNotes(path));
}

async function take(guest: FuzzGuest): Promise<Seen> {
  const limits = { timeoutMs: readLimitMs * guest.calls.slowness };
  return { counters: await takeCounters(guest.calls.guest, limits), crate: guest.takeCrateLines() };
}

/** Names that stay the same when other functions change. */
export function newArcs(coverage: Coverage, counters: Counters): string[] {
  const found: string[] = [];
  for (const [name, { shape, counts }] of counters) {
    const known = coverage.counters.get(name)?.counts;
    let first = 0;
    for (const { ident, arcs } of shape.functions) {
      for (let arc = 0; arc < arcs; arc += 1)
        if ((counts[first + arc] ?? 0) > 0 && (known?.[first + arc] ?? 0) === 0)
          found.push(`${name} ${ident.toString(16)}.${arc}`);
      first += arcs;
    }
  }
  return found;
}

function bitsOf(counts: Float64Array): string {
  const bytes = Buffer.alloc(Math.ceil(counts.length / 8));
  counts.forEach((count, at) => {
    if (count > 0) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
  });
  return bytes.toString("base64");
}

function countsOf(bits: string, length: number): Float64Array {
  const bytes = Buffer.from(bits, "base64");
  return Float64Array.from({ length }, (_, at) => ((bytes[at >> 3] ?? 0) >> (at & 7)) & 1);
}
