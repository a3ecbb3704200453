// SPDX-License-Identifier: MIT
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type CampaignName, Corpus } from "./corpus.ts";
import { addBatch, wholeCampaign } from "./state.ts";

const name: CampaignName = { target: "programs", seed: 7, shard: wholeCampaign, config: "default" };
const done = { counts: { programs: 48 }, verdicts: [] };

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-corpus-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

it("a campaign goes on where it stopped, and each shard, seed and config has its own", async () => {
  const corpus = await Corpus.open(folder, name, "k");
  for (const batch of [0, 2, 3]) addBatch(corpus.state, batch, done);
  await corpus.save();
  const again = await Corpus.open(folder, name, "k");
  expect(again.state).toMatchObject({ nextBatch: 1, ahead: [2, 3], counts: { programs: 144 } });
  for (const other of [{ seed: 8 }, { shard: { index: 1, count: 2 } }, { config: "kasan" }])
    expect((await Corpus.open(folder, { ...name, ...other }, "k")).state.nextBatch).toBe(0);
});

it("what is of another target or version, or damaged, is refused and not overwritten", async () => {
  await (await Corpus.open(folder, name, "k")).save();
  await expect(Corpus.open(folder, { ...name, target: "loader" }, "k")).rejects.toThrow(
    /another target, programs/,
  );
  const file = join(folder, "campaign-7.json");
  await writeFile(file, '{"version": 1}');
  await expect(Corpus.open(folder, name, "k")).rejects.toThrow(/another version/);
  await writeFile(file, "{");
  await expect(Corpus.open(folder, name, "k")).rejects.toThrow(/not JSON/);
});
