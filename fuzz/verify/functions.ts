// SPDX-License-Identifier: MIT
// Functions that the compiler could have made, and such as it would not: with an instruction too many, too few, or another one.
import fc from "fast-check";
import { Draw } from "../model/generate/draw.ts";
import type { Code, Instruction } from "./machine-code.ts";

type Many = Instruction[];

const ends = new Set(["return", "trap", "jump", "tail"]);

class FunctionsArbitrary extends fc.Arbitrary<readonly Code[]> {
  readonly #count: number;

  constructor(count: number) {
    super();
    this.#count = count;
  }

  override generate(random: fc.Random): fc.Value<readonly Code[]> {
    return new fc.Value(makeFunctions(new Draw(random), this.#count), undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is readonly Code[] {
    return Array.isArray(value);
  }

  override shrink(value: readonly Code[]): fc.Stream<fc.Value<readonly Code[]>> {
    return fc.stream(toValues(value));
  }
}

function* toValues(codes: readonly Code[]): IterableIterator<fc.Value<readonly Code[]>> {
  for (const smaller of smallerOnes(codes)) yield new fc.Value(smaller, undefined);
}

/** The same with a function that does nothing, or with an instruction less. */
function* smallerOnes(codes: readonly Code[]): Generator<readonly Code[]> {
  const nothing: Code = [{ kind: "return" }];
  for (const [at, code] of codes.entries()) if (code.length > 1) yield codes.with(at, nothing);
  for (const [at, code] of codes.entries())
    for (const index of code.keys()) {
      const less = without(code, index);
      // Without its last instruction, a function may get it back.
      if (less.length < code.length) yield codes.with(at, less);
    }
}

function without(code: Code, index: number): Code {
  const left = code.toSpliced(index, 1).map((one) => {
    const moves = (one.kind === "branch" || one.kind === "jump") && one.to > index;
    return moves ? { ...one, to: one.to - 1 } : one;
  });
  return closed(left);
}

export function functions(count: number): fc.Arbitrary<readonly Code[]> {
  return new FunctionsArbitrary(count);
}

/** Where code would run on behind its end, or jump behind it, it returns. */
function closed(code: readonly Instruction[]): Code {
  const last = code.at(-1);
  const whole: Many = last === undefined || !ends.has(last.kind) ? [...code, { kind: "return" }] : [...code];
  return whole.map((one) =>
    (one.kind === "branch" || one.kind === "jump") && one.to >= whole.length
      ? { ...one, to: whole.length - 1 }
      : one,
  );
}

/** Of all functions together as many as are accepted once and again. */
function makeFunctions(draw: Draw, count: number): Code[] {
  const codes = Array.from({ length: count }, (_, index) => closed(usual(draw, index, count)));
  if (draw.percent(30)) return codes;
  const at = draw.int(0, count - 1);
  if (draw.percent(15)) return codes.with(at, closed(draw.list(1, 12, () => any(draw, 12, count))));
  let result: Code = codes[at] ?? [];
  for (let mistakes = draw.int(1, 2); mistakes > 0; mistakes -= 1) result = mistaken(draw, result, count);
  return codes.with(at, closed(result));
}

function mistaken(draw: Draw, code: Code, count: number): Code {
  const at = draw.int(0, code.length - 1);
  switch (draw.int(0, 2)) {
    case 0:
      return without(code, at);
    case 1:
      return code.with(at, any(draw, code.length, count));
    default:
      return code.toSpliced(at, 0, any(draw, code.length, count));
  }
}

const sizes = [8, 16, 24, 40, 64, 120, 128, 256, 1_000, 2_000, 4_000] as const;

/** Prologue, body, epilogue. */
function usual(draw: Draw, index: number, count: number): Code {
  const code: Many = [];
  const hasPointer = draw.percent(60);
  const saved = draw.int(0, 3);
  const frame = draw.percent(70) ? draw.pick(sizes) : 0;
  const alignment = hasPointer && draw.percent(30) ? draw.pick([16, 32, 64, 128, 4_096]) : 0;
  if (hasPointer) code.push({ kind: "push", what: "rbp" }, { kind: "mov", to: "rbp", from: "rsp" });
  if (draw.percent(30)) code.push({ kind: "check" });
  for (let count_ = 0; count_ < saved; count_ += 1) code.push({ kind: "push", what: "rax" });
  if (frame > 0) code.push({ kind: "sub", bytes: frame });
  if (alignment > 0) code.push({ kind: "align", to: alignment });
  code.push(...body(draw, code.length, index, count));
  if (alignment > 0 || (hasPointer && draw.percent(40))) {
    if (saved > 0) code.push({ kind: "lea", to: "rsp", from: "rbp", offset: -8 * saved });
    else if (draw.percent(50)) return [...code, { kind: "leave" }, last(draw, index, count)];
    else code.push({ kind: "mov", to: "rsp", from: "rbp" });
  } else if (frame > 0) code.push({ kind: "add", bytes: frame });
  for (let count_ = 0; count_ < saved; count_ += 1) code.push({ kind: "pop", what: "rax" });
  if (hasPointer) code.push({ kind: "pop", what: "rbp" });
  return [...code, last(draw, index, count)];
}

function last(draw: Draw, index: number, count: number): Instruction {
  return index + 1 < count && draw.percent(15)
    ? { kind: "tail", to: draw.int(index + 1, count - 1) }
    : { kind: "return" };
}

/** What leaves the stack as it was, in the end; branches go to where it is so. */
function body(draw: Draw, start: number, index: number, count: number): Many {
  const parts = draw.list(0, 5, (): Many => {
    const inner = callOf(draw, index, count);
    const bytes = draw.pick(sizes);
    return draw.pick([
      [{ kind: "push", what: "rax" }, ...inner, { kind: "pop", what: "rax" }],
      [{ kind: "sub", bytes }, ...inner, { kind: "add", bytes }],
      [{ kind: "branch", to: draw.int(0, 5) }],
      inner,
      inner,
    ]);
  });
  const places = [start];
  for (const part of parts) places.push((places.at(-1) ?? start) + part.length);
  return parts
    .flat()
    .map((one) => (one.kind === "branch" ? { ...one, to: places[one.to % places.length] ?? start } : one));
}

/** Mostly of functions behind this one: what calls itself has no bound. */
function callOf(draw: Draw, index: number, count: number): Many {
  if (draw.percent(3)) return [{ kind: "call", to: draw.int(0, count - 1) }];
  return index + 1 < count ? [{ kind: "call", to: draw.int(index + 1, count - 1) }] : [];
}

function any(draw: Draw, length: number, count: number): Instruction {
  const offset = draw.pick([-128, -64, -16, -8, 0, 8, 16, 64, 128]);
  const target = draw.int(0, length);
  return draw.pick<Instruction>([
    { kind: "push", what: draw.pick(["rax", "rbp", "rsp", "word", "number", "argument"]) },
    { kind: "pop", what: draw.pick(["rax", "rbp", "word", "rsp"]) },
    { kind: draw.pick(["sub", "add"]), bytes: draw.pick([...sizes, -8, -64]) },
    { kind: "align", to: draw.pick([8, 16, 64, 4_096]) },
    { kind: "lea", to: draw.pick(["rsp", "rbp"]), from: draw.pick(["rsp", "rbp"]), offset },
    { kind: "mov", to: draw.pick(["rsp", "rbp"]), from: draw.pick(["rsp", "rbp", "rax"]) },
    { kind: "mov", to: "rax", from: draw.pick(["rsp", "rbp"]) },
    { kind: "exchange" },
    { kind: "leave" },
    { kind: "mayMove" },
    { kind: "store", offset: Math.abs(offset) },
    { kind: "branch", to: target },
    { kind: "jump", to: target },
    { kind: draw.pick(["call", "tail"]), to: draw.int(0, count - 1) },
    { kind: "check" },
    { kind: "return" },
    { kind: "trap" },
  ]);
}
