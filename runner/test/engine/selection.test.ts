// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { parseShard, parseTags, type Selection, select } from "./selection.ts";
import { parseFilter } from "./settings.ts";

const tests = [
  { file: "a.spec.ts", name: "one", tags: ["net"] },
  { file: "a.spec.ts", name: "two", tags: ["net", "slow"] },
  { file: "b.spec.ts", name: "one", tags: [] },
  { file: "b.spec.ts", name: "three", tags: ["slow"] },
];
const names = (selection: Selection) =>
  select(tests, selection).map(({ file, name }) => `${file[0] ?? ""} ${name}`);

describe("select", () => {
  it("takes everything when nothing is asked", () => expect(names({})).toHaveLength(4));

  it("takes tests with one of the tags and none of those with a !", () => {
    expect(names({ tags: parseTags("net") })).toEqual(["a one", "a two"]);
    expect(names({ tags: parseTags("net,slow") })).toEqual(["a one", "a two", "b three"]);
    expect(names({ tags: parseTags("net,!slow") })).toEqual(["a one"]);
    expect(names({ tags: parseTags("!slow") })).toEqual(["a one", "b one"]);
  });

  it("joins conditions", () => {
    expect(names({ tags: parseTags("slow"), filter: parseFilter("t") })).toEqual(["a two", "b three"]);
    expect(names({ among: [{ file: "a.spec.ts", name: "one" }, { file: "b.spec.ts" }] })).toEqual([
      "a one",
      "b one",
      "b three",
    ]);
  });

  it("deals out shards that together are all, after everything else", () => {
    expect(names({ shard: parseShard("1/3") })).toEqual(["a one", "b three"]);
    const all = [1, 2, 3].flatMap((index) => names({ shard: { index, count: 3 } }));
    expect(all.toSorted()).toEqual(names({}).toSorted());
    expect(names({ tags: parseTags("slow"), shard: parseShard("2/2") })).toEqual(["b three"]);
  });
});

it("says what is wrong with tags and shards", () => {
  for (const text of ["", "a,,b", "!", "a b"]) expect(() => parseTags(text)).toThrow(/is not a tag/);
  for (const text of ["0/2", "3/2", "1", "a/b", "1/0"])
    expect(() => parseShard(text)).toThrow(/not a part of a whole/);
});
