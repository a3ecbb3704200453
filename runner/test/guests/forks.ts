// SPDX-License-Identifier: MIT
// The machines that are forked in a run: one for each kind that is asked for often enough, as many as memory allows. Where forking is not
// possible the reader is told once, and clones are made the other way.
import type { Machine } from "../../../qemu/machine.ts";
import { messageOf } from "../../support/errors.ts";
import type { Snapshot } from "../snapshots/snapshot.ts";
import type { CloneStart, WaitingClone } from "./clone.ts";
import { ForkSource, type SourceStart } from "./fork-source.ts";

/** A machine that is forked. */
export interface Source extends AsyncDisposable {
  /** Guests that end with it. */
  readonly children: number;
  fork(start: CloneStart): Promise<WaitingClone>;
}

/** Clones of a kind that are made the other way first: preparing a machine costs as much as a few of them. */
const wishesBefore = 2;

export interface ForksOptions {
  /** Machines at most that wait to be forked. */
  readonly mostSources: number;
  /** See GuestBase. */
  readonly warmUpObject: string | undefined;
  /** Builds what makes QEMU forkable. */
  readonly library: (signal: AbortSignal) => Promise<string>;
  readonly startSource?: (machine: Machine, snapshot: Snapshot, start: SourceStart) => Promise<Source>;
  readonly signal: AbortSignal;
  readonly onNotice: (line: string) => void;
}

interface Kind {
  wishes: number;
  source: Promise<Source | undefined> | undefined;
  /** What it is when it is there. */
  started: Source | undefined;
  lastUsed: number;
}

/**
 * Measurements begin with the counter of instructions at a snapshot's. Forks would share the file behind a disk, the connections of a
 * network, and the file in which translations are noted; nor would they translate what has been.
 */
function canBeForked({ countsInstructions, diskMiB, net, translations }: Machine): boolean {
  return !countsInstructions && [diskMiB, net, translations].every((each) => each === undefined);
}

export class Forks implements AsyncDisposable {
  readonly #options: ForksOptions;
  readonly #kinds = new Map<string, Kind>();
  #library: Promise<string> | undefined;
  #uses = 0;
  #told = false;

  constructor(options: ForksOptions) {
    this.#options = options;
  }

  /** A guest of this kind; undefined when it is to be made the other way. */
  async fork(
    key: string,
    machine: Machine,
    snapshot: Snapshot,
    start: CloneStart,
  ): Promise<WaitingClone | undefined> {
    const kind = this.#kindOf(key);
    kind.wishes += 1;
    kind.lastUsed = this.#uses++;
    if (kind.wishes <= wishesBefore || !canBeForked(machine)) return undefined;
    if (kind.source === undefined && !(await this.#makeRoom())) return undefined;
    kind.source ??= this.#start(kind, machine, snapshot, start);
    const source = await kind.source;
    if (source === undefined) return undefined;
    try {
      return await source.fork(start);
    } catch (error) {
      this.#tell(error);
      await this.abandon(key);
      return undefined;
    }
  }

  /** Forks of this kind are no good, or its snapshot is not: from now on there are none. Those that run end. */
  async abandon(key: string): Promise<void> {
    const kind = this.#kindOf(key);
    const source = await kind.source;
    kind.source = Promise.resolve(undefined);
    kind.started = undefined;
    await source?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#kinds.keys()].map((key) => this.abandon(key)));
  }

  #kindOf(key: string): Kind {
    const known = this.#kinds.get(key) ?? { wishes: 0, source: undefined, started: undefined, lastUsed: 0 };
    this.#kinds.set(key, known);
    return known;
  }

  async #start(
    kind: Kind,
    machine: Machine,
    snapshot: Snapshot,
    start: CloneStart,
  ): Promise<Source | undefined> {
    try {
      this.#library ??= this.#options.library(this.#options.signal);
      const library = await this.#library;
      const { warmUpObject, startSource = ForkSource.start } = this.#options;
      kind.started = await startSource(machine, snapshot, { ...start, library, warmUpObject });
      return kind.started;
    } catch (error) {
      this.#tell(error);
      return undefined;
    }
  }

  /** Ends the machine that was forked longest ago and has no guests, if there are too many. Whether there is room. */
  async #makeRoom(): Promise<boolean> {
    const sources = [...this.#kinds.values()].filter(({ source }) => source !== undefined);
    if (sources.length < this.#options.mostSources) return true;
    const idle = sources.filter(({ started }) => started?.children === 0);
    const oldest = idle.toSorted((a, b) => a.lastUsed - b.lastUsed)[0];
    if (oldest === undefined) return false;
    const { started } = oldest;
    [oldest.source, oldest.started] = [undefined, undefined];
    await started?.[Symbol.asyncDispose]();
    return true;
  }

  #tell(error: unknown): void {
    if (this.#told || this.#options.signal.aborted) return;
    this.#told = true;
    this.#options.onNotice(`guests are cloned, not forked: ${messageOf(error)}`);
  }
}
