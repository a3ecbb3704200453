// SPDX-License-Identifier: MIT
// Attempts to get something past the gate: a core, how its words are spelled, what it is wrapped in, and where its text is.
import fc from "fast-check";
import { Draw } from "../model/generate/draw.ts";
import { type Core, cores, honest } from "./cores.ts";
import { type Laid, type Layout, layouts, plain } from "./layouts.ts";
import { isVisible, type Piece } from "./piece.ts";
import { type Spelling, spelled, spellings } from "./spellings.ts";
import { type Wrapping, wrappings } from "./wrappings.ts";

export interface Attempt {
  readonly core: Core;
  readonly spellings: readonly Spelling[];
  /** From the inside. */
  readonly wrappings: readonly Chosen[];
  readonly layout: Layout;
}

interface Chosen {
  readonly wrapping: Wrapping;
  /** What its own choices come from. */
  readonly seed: number;
}

class AttemptArbitrary extends fc.Arbitrary<Attempt> {
  override generate(random: fc.Random): fc.Value<Attempt> {
    const draw = new Draw(random);
    const attempt: Attempt = {
      core: draw.pick(cores),
      spellings: draw.percent(40) ? draw.list(1, 2, () => draw.pick(spellings)) : [],
      wrappings: draw.list(0, 4, () => ({
        wrapping: draw.pick(wrappings),
        seed: draw.int(0, 2 ** 30),
      })),
      layout: draw.percent(50) ? plain : draw.pick(layouts),
    };
    return new fc.Value(attempt, undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is Attempt {
    return typeof value === "object" && value !== null && "core" in value;
  }

  override shrink(value: Attempt): fc.Stream<fc.Value<Attempt>> {
    return fc.stream(toValues(value));
  }
}

function* toValues(attempt: Attempt): IterableIterator<fc.Value<Attempt>> {
  for (const smaller of smallerOnes(attempt)) yield new fc.Value(smaller, undefined);
}

/** The same with one thing less. */
function* smallerOnes(attempt: Attempt): Generator<Attempt> {
  const { wrappings: wrapped, spellings: spelling, layout } = attempt;
  if (layout !== plain) yield { ...attempt, layout: plain };
  if (wrapped.length > 1) yield { ...attempt, wrappings: [] };
  if (spelling.length > 1) yield { ...attempt, spellings: [] };
  for (const at of wrapped.keys()) yield { ...attempt, wrappings: wrapped.toSpliced(at, 1) };
  for (const at of spelling.keys()) yield { ...attempt, spellings: spelling.toSpliced(at, 1) };
}

export function attempts(): fc.Arbitrary<Attempt> {
  return new AttemptArbitrary();
}

/** The attempts that a seed stands for, one after the other: the same whenever it is asked. */
export function attemptsOf(seed: number, first: number, count: number): Attempt[] {
  return Array.from({ length: count }, (_, index) => {
    const own = (Math.imul(seed, 0x9e37_79b1) ^ Math.imul(first + index + 1, 0x85eb_ca6b)) | 0;
    const [made] = fc.sample(attempts(), { seed: own, numRuns: 1 });
    if (made === undefined) throw new Error("fast-check has made no attempt");
    return made;
  });
}

/** The same with nothing to hide. It has to be accepted. */
export function twinOf(attempt: Attempt): Attempt {
  return { ...attempt, core: honest };
}

export function programOf({ core, spellings: spelling, wrappings: wrapped, layout }: Attempt): Laid {
  const written = spelling.reduce<Piece>((piece, one) => spelled(piece, one), core.piece);
  const piece = wrapped.reduce<Piece>((inner, chosen, at) => wrapOne(inner, chosen, String(at)), written);
  return layout.lay(piece);
}

/** Choices of its own, the same for the same seed. */
class WrapArbitrary extends fc.Arbitrary<Piece> {
  readonly #wrap: (draw: Draw) => Piece;

  constructor(wrap: (draw: Draw) => Piece) {
    super();
    this.#wrap = wrap;
  }

  override generate(random: fc.Random): fc.Value<Piece> {
    return new fc.Value(this.#wrap(new Draw(random)), undefined);
  }

  override canShrinkWithoutContext(_: unknown): _ is Piece {
    return false;
  }

  override shrink(): fc.Stream<fc.Value<Piece>> {
    return fc.Stream.nil();
  }
}

function wrapOne(piece: Piece, { wrapping, seed }: Chosen, id: string): Piece {
  const arbitrary = new WrapArbitrary((draw) => wrapping.wrap(piece, id, draw));
  const [made] = fc.sample(arbitrary, { seed, numRuns: 1 });
  if (made === undefined) throw new Error("fast-check has made nothing");
  return made;
}

/** What the gate has answered. */
export type Answer =
  | { readonly kind: "accepted"; readonly object: Buffer }
  | { readonly kind: "refused"; readonly stage: string; readonly rendered: string }
  /** It has failed over it, as if the machine were to blame. */
  | { readonly kind: "failed"; readonly message: string };

/** What is wrong with the answer to an attempt; undefined when nothing is. */
export function judgeAttempt(attempt: Attempt, answer: Answer): string | undefined {
  if (answer.kind === "failed") return "the gate fails over a program";
  if (attempt.core !== honest)
    return answer.kind === "accepted" && isVisible(attempt.core.sign, answer.object)
      ? `${attempt.core.name} gets through the gate`
      : undefined;
  if (answer.kind === "accepted") {
    const isKept = attempt.wrappings.every(({ wrapping }) => wrapping.keeps);
    return isKept && !isVisible(honest.sign, answer.object)
      ? "the sign of a harmless program is not seen"
      : undefined;
  }
  return attempt.layout.isHarmless ? `a harmless program is refused at the stage ${answer.stage}` : undefined;
}

/** What it takes beside the core. */
export function causeOf({ spellings: spelling, wrappings: wrapped, layout }: Attempt): string[] {
  return [
    ...spelling.map(({ name }) => name),
    ...wrapped.map(({ wrapping: { name } }) => name),
    ...(layout === plain ? [] : [layout.name]),
  ];
}

/** Whether all of a cause is in it, so that one need not look further. */
export function isOf(attempt: Attempt, cause: readonly string[]): boolean {
  const parts = new Set(causeOf(attempt));
  return cause.length > 0 && cause.every((part) => parts.has(part));
}

/** For a reader. */
export function describeAttempt({ core, spellings: spelling, wrappings: wrapped, layout }: Attempt): string {
  const parts = [
    core.name,
    ...spelling.map(({ name }) => `spelled with ${name}`),
    ...wrapped.map(({ wrapping: { name } }) => `in ${name}`),
    `laid out as ${layout.name}`,
  ];
  return parts.join(", ");
}
