// SPDX-License-Identifier: MIT
// Programs as a fast-check arbitrary: generated from its random numbers, shrunk on the tree.
import fc from "fast-check";
import type { Program } from "./ast.ts";
import { Draw } from "./generate/draw.ts";
import { makeProgram } from "./generate/programs.ts";
import { runsPerProgram } from "./helpers.ts";
import { mutated } from "./mutate.ts";
import { shrinks } from "./shrink.ts";

/** Programs made of others. Findings are shrunk as programs are. */
class MutantArbitrary extends fc.Arbitrary<Program> {
  readonly #parents: readonly Program[];

  constructor(parents: readonly Program[]) {
    super();
    this.#parents = parents;
  }

  override generate(random: fc.Random): fc.Value<Program> {
    const draw = new Draw(random);
    return new fc.Value(mutated(draw.pick(this.#parents), draw.pick(this.#parents), draw), undefined);
  }

  override canShrinkWithoutContext(_value: unknown): _value is Program {
    return false;
  }

  override shrink(): fc.Stream<fc.Value<Program>> {
    return fc.Stream.nil();
  }
}

class ProgramArbitrary extends fc.Arbitrary<Program> {
  override generate(random: fc.Random): fc.Value<Program> {
    return new fc.Value(makeProgram(new Draw(random)), undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is Program {
    return typeof value === "object" && value !== null && "body" in value;
  }

  override shrink(value: Program): fc.Stream<fc.Value<Program>> {
    return fc.stream(toValues(shrinks(value)));
  }
}

function* toValues(programs: Iterable<Program>): IterableIterator<fc.Value<Program>> {
  for (const program of programs) yield new fc.Value(program, undefined);
}

/** Well-typed, borrow-checked programs, each with an end that the interpreter may be able to predict. */
export function program(): fc.Arbitrary<Program> {
  return new ProgramArbitrary();
}

/** The programs that a seed stands for, one after the other: the same whenever it is asked. */
export function programsOf(seed: number, first: number, count: number): Program[] {
  return Array.from({ length: count }, (_, index) => programAt(seed, first + index));
}

function programAt(seed: number, index: number): Program {
  return sampled(program(), seed, index);
}

/** Programs made of others, see mutate.ts: the same whenever it is asked, of the same parents. */
export function mutantsOf(
  seed: number,
  first: number,
  count: number,
  parents: readonly Program[],
): Program[] {
  return Array.from({ length: count }, (_, index) => mutatedAt(seed, first + index, parents));
}

export function mutatedAt(seed: number, index: number, parents: readonly Program[]): Program {
  return sampled(new MutantArbitrary(parents), seed, index);
}

function sampled<T>(arbitrary: fc.Arbitrary<T>, seed: number, index: number): T {
  // A seed of its own for each, so that a campaign can go on in the middle.
  const own = (Math.imul(seed, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b)) | 0;
  const [made] = fc.sample(arbitrary, { seed: own, numRuns: 1 });
  if (made === undefined) throw new Error("fast-check has made no program");
  return made;
}

/** What the program with this number is run with, in this order: small numbers, those around a power of two, and any. */
export function inputsAt(seed: number, index: number): readonly bigint[] {
  return Array.from({ length: runsPerProgram }, (_, at) => {
    const word = wordAt(seed, index, at);
    if (at % 2 === 1) return word;
    if (at % 4 === 0) return (BigInt(index) + (word >> 40n) * BigInt(Math.sign(at))) % 19n;
    return BigInt.asUintN(64, (1n << (word & 63n)) + ((word >> 8n) % 3n) - 1n);
  });
}

function wordAt(seed: number, index: number, at: number): bigint {
  const word = BigInt.asUintN(
    64,
    (BigInt(seed) + 1n) * 0x9e37_79b9_7f4a_7c15n +
      BigInt(index) * 0xc2b2_ae3d_27d4_eb4fn +
      BigInt(at >> 1) * 0x1656_67b1_9e37_79f9n,
  );
  return word ^ (word >> 29n);
}
