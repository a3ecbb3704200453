// SPDX-License-Identifier: MIT
// A campaign without guests: its batches, and what becomes of complaints.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { RexTestError } from "../../runner/support/errors.ts";
import { Campaign, type CampaignOptions } from "./campaign.ts";
import { Corpus } from "./corpus.ts";
import type { Traced } from "./target.ts";
import type { Complaint } from "./trial.ts";
import { patiently } from "./worker.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-campaign-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const said: string[] = [];
const done = { counts: { programs: 1 }, verdicts: [] };

async function open(options: Partial<CampaignOptions> = {}): Promise<Campaign> {
  const name = { target: "programs", seed: 7, shard: { index: 1, count: 1 }, config: "default" };
  said.length = 0;
  return new Campaign({
    corpus: await Corpus.open(folder, name, "k"),
    timeMs: 60_000,
    findingsAtMost: 20,
    signal: new AbortController().signal,
    say: (line) => void said.push(line),
    ...options,
  });
}

function complaint(title: string, frames: readonly string[] = []): Complaint {
  return { oracle: "kernel health", title, detail: "seen", frames };
}

/** Traces that find what they are asked for. */
function traced(about: Complaint): () => Promise<Traced> {
  const spec = () => `// ${about.title}\n`;
  return async () => ({
    complaint: about,
    reproduced: 3,
    attempts: 3,
    input: "p",
    kept: { p: about.title },
    spec,
  });
}

const keysOf = ({ state }: Campaign) => state.findings.map(({ key, seen }) => [key, seen]);

it("hands out batches until there are as many as wanted, none twice, those of before included", async () => {
  const first = await open({ batchesAtMost: 4 });
  expect([await first.nextBatch(), await first.nextBatch(), await first.nextBatch()]).toEqual([0, 1, 2]);
  await first.finishBatch(1, done);
  await first.save();
  // Killed: the batches 0 and 2 were under way.
  const again = await open({ batchesAtMost: 4 });
  const handed = [
    await again.nextBatch(),
    await again.nextBatch(),
    await again.nextBatch(),
    await again.nextBatch(),
  ];
  expect(handed).toEqual([0, 2, 3, undefined]);
  for (const batch of [3, 0, 2]) await again.finishBatch(batch, done);
  await again[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  expect(again.state).toMatchObject({ nextBatch: 4, ahead: [], counts: { programs: 4 } });
});

it("a complaint becomes a finding once: a spec, an input, an entry in the state", async () => {
  await using campaign = await open();
  const seen = complaint("WARNING in f", ["f", "g"]);
  expect(await campaign.follow(seen, traced(seen))).toBe(true);
  const trace = vi.fn(traced(seen));
  expect(await campaign.follow(seen, trace)).toBe(true);
  expect(trace).not.toHaveBeenCalled();
  expect(keysOf(campaign)).toEqual([["kernel health: WARNING in f in f < g", 2]]);
  const specs = await readdir(join(folder, "findings"));
  expect(specs).toHaveLength(1);
  expect(await readFile(join(folder, "findings", specs[0] ?? ""), "utf8")).toBe("// WARNING in f\n");
  expect(campaign.corpus.inputs.all.map(([, kept]) => kept)).toMatchObject([
    { why: "finding", input: { p: "WARNING in f" } },
  ]);
  expect(campaign.inputsFor(1_000)).toEqual([]);
});

it("the same title from elsewhere is another finding, but not from ever more places", async () => {
  await using campaign = await open();
  for (const frame of ["a", "b", "c", "d", "e"]) {
    const seen = complaint("PANIC: double fault", [frame]);
    await campaign.follow(seen, traced(seen));
  }
  const title = "kernel health: PANIC: double fault in";
  expect(keysOf(campaign)).toEqual([
    [`${title} a`, 3],
    [`${title} b`, 1],
    [`${title} c`, 1],
  ]);
});

it("what does not come again is told and counted, and can be found later", async () => {
  await using campaign = await open();
  const seen = complaint("x");
  expect(await campaign.follow(seen, async () => undefined)).toBe(false);
  expect(said.join()).toContain("not again: kernel health: x");
  expect(campaign.state.unconfirmed).toBe(1);
  const kept = join(campaign.corpus.folder, "unconfirmed");
  const [file = ""] = await readdir(kept);
  expect(await readFile(join(kept, file), "utf8")).toContain(`kernel health: x\n\n${seen.detail}`);
  expect(await campaign.follow(seen, traced(seen))).toBe(true);
  expect(keysOf(campaign)).toHaveLength(1);
});

it("tracing that is cut off goes on with what it had come to", async () => {
  const seen = complaint("x");
  const first = await open();
  const cut = first.follow(seen, async () => {
    first.suspect(seen, { program: "smaller" });
    await first.save();
    throw new Error("killed");
  });
  await expect(cut).rejects.toThrow("killed");
  await first[Symbol.asyncDispose]();
  await using again = await open();
  expect(again.suspectOf(seen)).toEqual({ program: "smaller" });
  expect(again.suspectOf(complaint("y"))).toBeUndefined();
  await again.follow(seen, traced(seen));
  expect(again.suspectOf(seen)).toBeUndefined();
});

it("only the oracles that are wanted are heard, and only so many findings are looked for", async () => {
  await using campaign = await open({ oracles: ["kernel health"], findingsAtMost: 1 });
  const other: Complaint = { oracle: "canary", title: "x", detail: "" };
  expect(await campaign.follow(other, traced(other))).toBe(false);
  campaign.report(other, "at the end");
  expect([campaign.state.findings, said]).toEqual([[], []]);
  const seen = complaint("x");
  await campaign.follow(seen, traced(seen));
  expect(await campaign.nextBatch()).toBeUndefined();
  const trace = vi.fn(traced(complaint("y")));
  expect(await campaign.follow(complaint("y"), trace)).toBe(false);
  expect(trace).not.toHaveBeenCalled();
});

it("one thing is traced at a time, and no batch is begun meanwhile", async () => {
  await using campaign = await open();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const order: string[] = [];
  const first = campaign.follow(complaint("a"), async () => {
    await promise;
    order.push("traced a");
    return undefined;
  });
  const second = campaign.follow(complaint("b"), async () => {
    order.push("traced b");
    return undefined;
  });
  const batch = campaign.nextBatch().then((number) => order.push(`batch ${number}`));
  await new Promise(setImmediate);
  expect(order).toEqual([]);
  expect(campaign.activities.map(({ what }) => what)).toEqual(["tracing"]);
  resolve(undefined);
  await Promise.all([first, second, batch]);
  expect(order).toEqual(["traced a", "traced b", "batch 0"]);
});

it("inputs are made of what was kept before their batch was begun, and of all that others have kept", async () => {
  await using campaign = await open();
  const elsewhere = {
    version: 1,
    target: "programs",
    seed: 8,
    batch: 99,
    why: "coverage",
    raised: ["x"],
  } as const;
  await campaign.corpus.inputs.keep({ ...elsewhere, input: "elsewhere" });
  await campaign.nextBatch();
  await campaign.nextBatch();
  await campaign.keep("ours", ["y"]);
  expect([0, 1].map((batch) => campaign.inputsFor(batch))).toEqual([["elsewhere"], ["elsewhere"]]);
  expect(campaign.inputsFor(2).toSorted()).toEqual(["elsewhere", "ours"]);
});

it("no batch is begun once it is stopped", async () => {
  await using campaign = await open();
  expect(await campaign.nextBatch()).toBe(0);
  campaign.stop();
  expect(await campaign.nextBatch()).toBeUndefined();
});

it("what fails because of the machine is tried again, but not for ever", async () => {
  const notes: string[] = [];
  const lab = {
    campaign: { note: (line: string) => notes.push(line) },
    guests: { signal: new AbortController().signal },
  };
  let failures = 3;
  const work = async () => {
    failures -= 1;
    if (failures >= 0) throw new RexTestError("no memory", { detail: "rustc: LLVM is out of it\n" });
    return "done";
  };
  expect(await patiently(lab, work, 1)).toBe("done");
  expect(notes).toHaveLength(3);
  expect(notes[0]).toContain("no memory\n  rustc: LLVM is out of it");
  failures = 100;
  await expect(patiently(lab, work, 1)).rejects.toThrow("no memory");
  expect(failures).toBe(95);
});
