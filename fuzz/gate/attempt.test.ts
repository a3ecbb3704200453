// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import {
  type Attempt,
  attempts,
  attemptsOf,
  causeOf,
  describeAttempt,
  isOf,
  judgeAttempt,
  programOf,
  twinOf,
} from "./attempt.ts";
import { cores, honest } from "./cores.ts";
import { layouts, plain } from "./layouts.ts";
import { isVisible, markerSign } from "./piece.ts";
import { spellings } from "./spellings.ts";
import { wrappings } from "./wrappings.ts";

const many = attemptsOf(7, 0, 300);
const bare: Attempt = { core: honest, spellings: [], wrappings: [], layout: plain };
const signOf = (attempt: Attempt) => {
  const { sign } = attempt.core;
  return sign.kind === "bytes" ? Buffer.from(sign.bytes) : Buffer.from(`\0${sign.name}\0`);
};

it("the same seed makes the same attempts, from wherever it goes on", () => {
  const texts = (from: number, count: number) =>
    attemptsOf(7, from, count).map((attempt) => programOf(attempt));
  expect(texts(100, 20)).toEqual(many.slice(100, 120).map((attempt) => programOf(attempt)));
  expect(attemptsOf(8, 0, 20).map(describeAttempt)).not.toEqual(many.slice(0, 20).map(describeAttempt));
});

it("every core, spelling, wrapping and layout has its turn", () => {
  const all = attemptsOf(3, 0, 6_000).map(describeAttempt).join("\n");
  for (const { name } of [...cores, ...spellings, ...wrappings, ...layouts]) expect(all).toContain(name);
});

it("what is smaller has one part less, and what it is made of is known", () => {
  for (const attempt of many)
    for (const { value } of attempts().shrink(attempt, undefined)) {
      expect(causeOf(value).length).toBeLessThan(causeOf(attempt).length);
      expect(isOf(attempt, causeOf(value))).toBe(causeOf(value).length > 0);
    }
});

it("a twin is wrapped alike, with nothing in it that is refused", () => {
  const refused = /\b(?:unsafe|asm!|naked|link_section|no_mangle|forget|ManuallyDrop)\b/;
  for (const attempt of many) {
    const twin = twinOf(attempt);
    expect(causeOf(twin)).toEqual(causeOf(attempt));
    // In strings and comments everybody may say what they like.
    const code = JSON.stringify(programOf({ ...twin, layout: plain })).replaceAll(/doc = \\"unsafe\\"/g, "");
    expect(code).not.toMatch(refused);
  }
});

it("nothing in the text of a program is its sign", () => {
  for (const attempt of many) {
    const laid = programOf(attempt);
    const text = laid.kind === "inline" ? laid.text : Object.values(laid.files).join("\n");
    expect(Buffer.from(text).includes(signOf(attempt))).toBe(false);
  }
});

it("what is accepted is a hole when its sign is there, and nothing when it is not", () => {
  const [core] = cores;
  if (core === undefined) throw new Error("there are no cores");
  const attempt = { ...bare, core };
  const object = Buffer.concat([Buffer.alloc(100), signOf(attempt), Buffer.alloc(100)]);
  expect(judgeAttempt(attempt, { kind: "accepted", object })).toMatch(/gets through/);
  expect(judgeAttempt(attempt, { kind: "accepted", object: Buffer.alloc(300) })).toBeUndefined();
  expect(judgeAttempt(attempt, { kind: "refused", stage: "scan", rendered: "" })).toBeUndefined();
  expect(judgeAttempt(attempt, { kind: "failed", message: "?" })).toMatch(/fails/);
});

it("something harmless has to be accepted, and to be seen", () => {
  const object = Buffer.from(signOf(bare));
  expect(isVisible(markerSign(), object)).toBe(true);
  expect(judgeAttempt(bare, { kind: "accepted", object })).toBeUndefined();
  expect(judgeAttempt(bare, { kind: "accepted", object: Buffer.alloc(99) })).toMatch(/not seen/);
  expect(judgeAttempt(bare, { kind: "refused", stage: "rustc", rendered: "" })).toMatch(/rustc/);
});
