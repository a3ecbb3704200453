// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { MAX_FRAME_BYTES } from "../../runner/protocol/generated.ts";
import { madeOf } from "../model/generate/seeded.ts";
import { wrongAnswers } from "./answers.ts";
import { encode, type Frame, framesOf, idOf } from "./frames.ts";

const some = (seed: number, count: number) => madeOf(seed, (draw) => framesOf(draw, count));
const frame = (message: unknown): Frame => ({ payload: Buffer.from(JSON.stringify(message)), kind: "test" });
const error = (kind: string, blame = "caller") => ({ kind, blame, message: "because" });

it("the same seed makes the same frames, of all kinds", () => {
  const payloads = (seed: number) => some(seed, 50).map(({ payload }) => payload.toString("base64"));
  expect(payloads(1)).toEqual(payloads(1));
  expect(payloads(1)).not.toEqual(payloads(2));
  const kinds = some(3, 1_500)
    .map(({ kind }) => kind)
    .join("\n");
  for (const kind of [
    "as it is",
    "other parameters",
    "another shape",
    "damaged text",
    "nesting",
    "bytes",
    "twice",
    "large",
  ])
    expect(kinds).toContain(kind);
});

it("no frame ends a guest by design, nor has a number of the runner's own requests", () => {
  for (const one of some(4, 3_000)) {
    if (one.payload.length < MAX_FRAME_BYTES / 2)
      expect(one.payload.toString("latin1")).not.toMatch(/poweroff|"renew"/);
    const id = idOf(one);
    if (id !== undefined) expect(Math.abs(id)).toBeGreaterThan(100_000);
  }
});

it("a frame is its length and its payload", () => {
  expect(encode({ payload: Buffer.from("{}"), kind: "" }).toString("hex")).toBe("020000007b7d");
});

it("each frame is owed one answer, with its id or none", () => {
  const frames = [frame({ id: 7_000_000, method: "ping" }), frame("nonsense")];
  const done = { id: 7_000_000, result: {} };
  const refused = { id: null, error: error("invalid") };
  const titles = (answers: readonly object[]) => wrongAnswers(frames, answers).map(({ title }) => title);
  expect(titles([refused, done])).toEqual([]);
  expect(titles([refused, refused])).toEqual([]);
  expect(titles([done])).toEqual(["frames without an answer"]);
  expect(titles([done, done])).toEqual(["an answer that nobody has asked for"]);
  expect(titles([done, { id: 8_000_000, result: {} }])).toEqual(["an answer that nobody has asked for"]);
});

it("an answer is a result or an error of a known shape, and the agent's own mistakes are told", () => {
  const titles = (answer: object) =>
    wrongAnswers([frame({ id: 7_000_000 })], [answer]).map(({ title }) => title);
  expect(titles({ id: 7_000_000, error: error("invalid") })).toEqual([]);
  expect(titles({ id: 7_000_000 })).toEqual(["an answer of no known shape"]);
  expect(titles({ id: null, result: {} })).toEqual(["an answer of no known shape"]);
  expect(titles({ id: null, error: error("weird") })).toEqual(["an answer of no known shape"]);
  expect(
    titles({ id: 7_000_000, error: { ...error("internal", "agent"), message: "thread 12 is gone" } }),
  ).toEqual(["the agent blames itself: thread N is gone"]);
});
