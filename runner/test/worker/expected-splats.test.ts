// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { Splat } from "../outcome/splat.ts";
import { ExpectedSplats } from "./expected-splats.ts";

function splat(title: string, more = ""): Splat {
  return { kind: "warning", severity: "warning", title, firstLine: 0, lines: [title, more] };
}

describe("expected splats", () => {
  it("holds nothing against a test that expects what comes", () => {
    const expected = new ExpectedSplats();
    expected.expect(/rex: program \w+ left/);
    expected.expect("lockdep", { count: 2 });
    const came = [splat("WARNING: rex: program p left"), splat("a", "lockdep"), splat("b", "lockdep")];
    expect(expected.judge(came)).toEqual({ unexpected: [], missing: [] });
  });

  it("fails a test whose splat does not come, or not often enough", () => {
    const expected = new ExpectedSplats();
    expected.expect("never");
    expected.expect("seldom", { count: 3 });
    const { missing, unexpected } = expected.judge([splat("seldom")]);
    expect(unexpected).toEqual([]);
    expect(missing[0]).toMatch(/with never once, and did so 0 times/);
    expect(missing[1]).toMatch(/with seldom 3 times, and did so once/);
  });

  it("does not forgive one splat too many", () => {
    const expected = new ExpectedSplats();
    expected.expect("once");
    const { unexpected } = expected.judge([splat("once"), splat("once"), splat("other")]);
    expect(unexpected.map(({ title }) => title)).toEqual(["once", "other"]);
  });

  it("refuses a count that can't be", () => {
    expect(() => new ExpectedSplats().expect("x", { count: 0 })).toThrow(/count is 0/);
  });
});
