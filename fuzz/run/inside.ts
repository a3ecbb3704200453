// SPDX-License-Identifier: MIT
// Generated programs that run inside of others: kprobes inside of what programs on packets look up in hash maps.
import { type Codec, u32, u64 } from "../../runner/test/worker/codecs.ts";
import type { GuestApi } from "../../runner/test/worker/guest-api.ts";
import type { RexMap } from "../../runner/test/worker/map.ts";
import type { Program } from "../../runner/test/worker/program.ts";
import { insideName } from "../model/files.ts";
import type { Execution, PlannedRun } from "./execute.ts";
import { lookupOffsets, noJumps } from "./visitors.ts";

/** Of so many programs: the others have to do the looking up. */
const programsAtMost = 8;

export class Inside {
  /** Runs that were not made yet, in their order. */
  readonly #left: PlannedRun[];
  readonly #execution: Execution;
  readonly #armed: RexMap<number, bigint>;
  readonly #next: RexMap<number, readonly bigint[]>;

  private constructor(program: Program, execution: Execution, left: readonly PlannedRun[]) {
    this.#left = [...left];
    this.#execution = execution;
    this.#armed = program.map("NEST", { key: u32, value: u64 });
    this.#next = program.map("NESTED", { key: u32, value: words });
  }

  /** `planned`: what is to run inside of others. */
  static async attach(
    api: GuestApi,
    program: Program,
    execution: Execution,
    planned: readonly PlannedRun[],
  ): Promise<Inside> {
    await api.writeFile(...noJumps);
    const [first, second] = lookupOffsets.map((offset) => {
      const target = { kind: "kprobe", symbol: "htab_map_lookup_elem", offset } as const;
      return () => program.attach({ name: insideName, target });
    });
    await first?.().catch(second);
    return new Inside(program, execution, planned);
  }

  /** What has found nobody to run inside of. */
  get left(): readonly PlannedRun[] {
    return this.#left;
  }

  /** Receives a packet; whether the next one has run inside of that. */
  async during(act: () => Promise<void>): Promise<boolean> {
    const [next] = this.#left;
    if (next === undefined) {
      await act();
      return false;
    }
    const { trial, slot, input } = next;
    await this.#next.set(0, [BigInt(trial), BigInt(slot), input]);
    await this.#armed.set(0, 1n);
    await act();
    const hasRun = (await this.#armed.get(0)) !== 1n;
    await this.#armed.set(0, 0n);
    if (!hasRun) return false;
    this.#left.shift();
    this.#execution.ranInside(next);
    return true;
  }
}

/** Those of the first programs that can, and the others. */
export function insiders(planned: readonly PlannedRun[]): readonly [PlannedRun[], PlannedRun[]] {
  const trials = new Set(planned.filter(({ canNest }) => canNest).map(({ trial }) => trial));
  const some = new Set([...trials].slice(0, programsAtMost));
  return [planned.filter(({ trial }) => some.has(trial)), planned.filter(({ trial }) => !some.has(trial))];
}

const words: Codec<readonly bigint[]> = {
  name: "words",
  byteLength: 24,
  encode: (values) => {
    const bytes = Buffer.alloc(24);
    for (const [at, value] of values.entries()) bytes.writeBigUInt64LE(value, 8 * at);
    return bytes;
  },
  decode: () => {
    throw new Error("they are only written");
  },
};
