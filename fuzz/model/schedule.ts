// SPDX-License-Identifier: MIT
// What goes on while programs run, as data: how many run at once, each on a CPU of its own, and who visits them meanwhile.
import fc from "fast-check";

/** What a visiting program does when it runs, until it has done it often enough. */
export const deeds = ["return", "panic", "hold", "overflow"] as const;
export type Deed = (typeof deeds)[number];

export type Visitor =
  /** A program on a clock interrupts whatever the CPU does, every so many microseconds. */
  | { readonly kind: "clock"; readonly cpu: number; readonly periodUs: number; readonly deed: Deed }
  /** A program inside the lookup of hash maps, at the level of an NMI: helpers are interrupted by it. */
  | { readonly kind: "lookup"; readonly deed: Deed }
  /** An object is loaded, attached and unloaded, again and again. */
  | { readonly kind: "reload" }
  /** The link that a program without an end runs by is detached meanwhile, and attached again afterwards. */
  | { readonly kind: "detach" }
  /** Allocations that may not wait fail, so many of a hundred. Elements of hash maps are allocated when they are needed. */
  | { readonly kind: "memory"; readonly percent: number }
  /** Generated programs run inside the lookups of programs on packets in hash maps, at the level of an NMI. */
  | { readonly kind: "nested" };

export interface Schedule {
  /** Programs that run at the same time; no more than the guest has CPUs. */
  readonly lanes: number;
  /** A program on another CPU counts its calls meanwhile. */
  readonly neighbour: boolean;
  /** At most one of each kind. */
  readonly visitors: readonly Visitor[];
}

const deed = fc.constantFrom(...deeds);
const visitor: fc.Arbitrary<Visitor> = fc.oneof(
  fc.record({
    kind: fc.constant("clock" as const),
    cpu: fc.nat(1),
    periodUs: fc.constantFrom(5_000, 2_000, 1_000),
    deed,
  }),
  fc.record({ kind: fc.constant("lookup" as const), deed }),
  fc.record({ kind: fc.constant("reload" as const) }),
  fc.record({ kind: fc.constant("detach" as const) }),
  fc.record({ kind: fc.constant("memory" as const), percent: fc.constantFrom(20, 60, 100) }),
  fc.record({ kind: fc.constant("nested" as const) }),
);

export function schedule(): fc.Arbitrary<Schedule> {
  return fc.record({
    lanes: fc.integer({ min: 1, max: 2 }),
    neighbour: fc.boolean(),
    visitors: fc.uniqueArray(visitor, { maxLength: 3, selector: ({ kind }) => kind }),
  });
}

/** Memory may run short. */
export function lacksMemory(schedule: Schedule | undefined): boolean {
  return schedule?.visitors.some(({ kind }) => kind === "memory") ?? false;
}

/** Programs run inside others. */
export function nests(schedule: Schedule | undefined): boolean {
  return schedule?.visitors.some(({ kind }) => kind === "nested") ?? false;
}

/** Every so many batches one has a schedule; the others run one program after the other, alone. */
const everyBatches = 3;

/** The schedule of the batch with this number: the same whenever it is asked. */
export function scheduleAt(seed: number, batch: number): Schedule | undefined {
  if (batch % everyBatches !== everyBatches - 1) return undefined;
  const own = (Math.imul(seed, 0x85eb_ca6b) ^ Math.imul(batch + 1, 0x9e37_79b1)) | 0;
  return fc.sample(schedule(), { seed: own, numRuns: 1 })[0];
}

/** Schedules with less in them, none at all first. */
export function* simplerSchedules(from: Schedule): Generator<Schedule | undefined> {
  yield undefined;
  for (const at of from.visitors.keys()) yield { ...from, visitors: from.visitors.toSpliced(at, 1) };
  if (from.lanes > 1) yield { ...from, lanes: 1 };
  if (from.neighbour) yield { ...from, neighbour: false };
  for (const [at, one] of from.visitors.entries())
    if ("deed" in one && one.deed !== "return")
      yield { ...from, visitors: from.visitors.with(at, { ...one, deed: "return" }) };
}
