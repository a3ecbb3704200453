// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { ExitRecord } from "../../protocol/generated.ts";
import { exitText } from "./text.ts";

const record: ExitRecord = {
  seq: 3,
  progId: 7,
  prog: "hostile",
  object: "hostile",
  reason: "panic",
  cpu: 1,
  level: "softirq",
  pid: 40,
  comm: "trigger-0",
  atNs: 5,
  durationNs: 6,
  stackUsed: 7,
  count: 1,
  retval: "0",
  location: "src/main.rs:1:1",
  message: "grüße",
  released: [],
  frames: [],
};

test("the message of a program has no power over the terminal", () => {
  const message = "red \u001b[31m\u0007, \u009b2J, right to left \u202e, NUL \0, grüße 🦀\nnext\r";
  const text = exitText({ ...record, message, location: "\u001b]0;title\u0007:1:1" });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  expect(text).toContain(String.raw`red \x1b[31m\x07, \x9b2J, right to left \u202e, NUL \x00, grüße 🦀`);
  expect(text).toContain(String.raw`    next\x0d`);
  expect(text).toContain(String.raw`at \x1b]0;title\x07:1:1`);
});
