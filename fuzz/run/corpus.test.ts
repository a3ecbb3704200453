// SPDX-License-Identifier: MIT
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Corpus } from "./corpus.ts";

it("a campaign goes on behind the last batch up to which all are done", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rex-corpus-"));
  try {
    const corpus = await Corpus.open(folder, "programs", 7);
    for (const batch of [0, 2, 3]) corpus.finishBatch(batch);
    corpus.progress.programs = 144;
    await corpus.save();
    const again = await Corpus.open(folder, "programs", 7);
    expect(again.progress).toMatchObject({ nextBatch: 1, programs: 144 });
    corpus.finishBatch(1);
    expect(corpus.progress.nextBatch).toBe(4);
    expect((await Corpus.open(folder, "programs", 8)).progress.nextBatch).toBe(0);
    await expect(Corpus.open(folder, "loader", 7)).rejects.toThrow(/another target/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
