// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CrateCoverage, crateStamp } from "./crate-coverage.ts";
import { type CampaignState, freshState } from "./state.ts";

const fresh = () => freshState({ target: "programs", seed: 1, shard: { index: 1, count: 1 }, kernel: "k" });
const seen = (reached: readonly string[], found = reached) => ({
  reached: new Set(reached),
  found: new Set(found),
});

it("what was reached is not new again, in a campaign that goes on neither", () => {
  const state = fresh();
  const coverage = new CrateCoverage(state, "a");
  expect(coverage.newIn(seen(["rex/src/a.rs:10", "rex/src/a.rs:9"]))).toHaveLength(2);
  coverage.add(seen(["rex/src/a.rs:10", "rex/src/a.rs:9"], ["rex/src/a.rs:10", "rex/src/b.rs:3"]));
  expect(state.crate).toEqual({
    stamp: "a",
    reached: { "rex/src/a.rs": [9, 10] },
    found: { "rex/src/a.rs": [10], "rex/src/b.rs": [3] },
  });
  const kept = JSON.parse(JSON.stringify(state)) as CampaignState;
  const later = new CrateCoverage(kept, "a");
  expect(later.newIn(seen(["rex/src/a.rs:10", "rex/src/b.rs:3"]))).toEqual(["rex/src/b.rs:3"]);
  expect([later.reached, later.found]).toEqual([2, 2]);
  expect(new CrateCoverage(kept, "b").newIn(seen(["rex/src/a.rs:10"]))).toEqual(["rex/src/a.rs:10"]);
});

it("another crate has another stamp, by its names and its sources", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rex-crate-stamp-"));
  try {
    await mkdir(join(folder, "map"));
    const stampOf = async (name: string, text: string) => {
      await writeFile(join(folder, name), text);
      return crateStamp(folder);
    };
    const first = await stampOf("map/a.rs", "fn a() {}");
    const others = [await stampOf("map/a.rs", "fn b() {}"), await stampOf("b.rs", "")];
    expect(new Set([first, ...others]).size).toBe(3);
    expect(await stampOf("notes.txt", "no code")).toBe(others[1]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
