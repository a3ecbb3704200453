// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, it } from "vitest";
import { Draw } from "../model/generate/draw.ts";
import { functions } from "./functions.ts";
import { assemble, type Code } from "./machine-code.ts";
import { type Walked, walk } from "./walk.ts";

const base = 0x1000;

/** Random choices of a seed. */
function walked(codes: readonly Code[], seed = 1, at = base): Walked {
  class Once extends fc.Arbitrary<Walked> {
    override generate(random: fc.Random) {
      return new fc.Value(walk(codes, at, new Draw(random)), undefined);
    }
    override canShrinkWithoutContext(_: unknown): _ is Walked {
      return false;
    }
    override shrink() {
      return fc.Stream.nil<fc.Value<Walked>>();
    }
  }
  const [result] = fc.sample(new Once(), { seed, numRuns: 1 });
  if (result === undefined) throw new Error("nothing was walked");
  return result;
}

const framed = (bytes: number, ...inside: Code): Code => [
  { kind: "push", what: "rbp" },
  { kind: "mov", to: "rbp", from: "rsp" },
  { kind: "sub", bytes },
  ...inside,
  { kind: "mov", to: "rsp", from: "rbp" },
  { kind: "pop", what: "rbp" },
  { kind: "return" },
];

it("a walk gets as deep as the frames and the return addresses on its way", () => {
  expect(walked([framed(100)])).toEqual({ deepest: 108, strayed: undefined });
  expect(walked([framed(100, { kind: "call", to: 1 }), framed(8)])).toMatchObject({ deepest: 108 + 8 + 16 });
  expect(walked([[{ kind: "push", what: "word" }, { kind: "trap" }]])).toMatchObject({ deepest: 2 });
  expect(walked([[{ kind: "check" }, { kind: "return" }]])).toMatchObject({ deepest: 8 });
});

it("an alignment takes what the address asks for", () => {
  const aligned = framed(8, { kind: "align", to: 64 });
  expect(walked([aligned], 1, 0x1000)).toMatchObject({ deepest: 64 });
  expect(walked([aligned], 1, 0x1008)).toMatchObject({ deepest: 72 });
});

it("a return that does not lead back is told from one that does, and rbp is looked at", () => {
  expect(walked([[{ kind: "push", what: "rax" }, { kind: "return" }]]).strayed?.why).toBe("goes elsewhere");
  const spoilt: Code = [{ kind: "exchange" }, { kind: "return" }];
  expect(walked([[{ kind: "call", to: 1 }, { kind: "return" }], spoilt]).strayed).toEqual({
    function: 1,
    why: "loses rbp",
  });
  expect(walked([[{ kind: "tail", to: 1 }], framed(8)]).strayed).toBeUndefined();
});

it("what calls itself for ever comes to an end here", () => {
  expect(walked([[{ kind: "call", to: 0 }, { kind: "return" }]]).deepest).toBeLessThan(1_000);
});

it("functions shrink to fewer instructions, and branches stay inside", () => {
  for (const codes of fc.sample(functions(4), { seed: 5, numRuns: 200 })) {
    const size = (some: readonly Code[]) => some.reduce((sum, code) => sum + code.length, 0);
    for (const { value } of functions(4).shrink(codes, undefined))
      expect(size(value)).toBeLessThan(size(codes));
    for (const code of codes)
      for (const one of code)
        if (one.kind === "branch" || one.kind === "jump") expect(one.to).toBeLessThan(code.length);
  }
});

it("code is encoded as a processor reads it", () => {
  const layout = { functions: [0x1000, 0x2000], check: 0x3000 };
  const hex = (code: Code) => assemble(code, 0x1000, layout).toString("hex");
  expect(hex(framed(16))).toBe("554889e54881ec100000004889ec5dc3");
  expect(hex([{ kind: "call", to: 1 }, { kind: "check" }])).toBe("e8fb0f0000e8f61f0000");
  expect(
    hex([
      { kind: "branch", to: 0 },
      { kind: "jump", to: 0 },
    ]),
  ).toBe("0f85faffffffe9f5ffffff");
  expect(
    hex([
      { kind: "align", to: 16 },
      { kind: "lea", to: "rsp", from: "rbp", offset: -8 },
    ]),
  ).toBe("4881e4f0ffffff488da5f8ffffff");
  expect(hex([{ kind: "lea", to: "rbp", from: "rsp", offset: 8 }, { kind: "leave" }])).toBe(
    "488dac2408000000c9",
  );
});
