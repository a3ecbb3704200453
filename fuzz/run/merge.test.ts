// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Corpus } from "./corpus.ts";
import { minimised } from "./inputs.ts";
import { mergeCorpora } from "./merge.ts";
import { addBatch, type FoundThing, type Shard } from "./state.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-merge-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Campaign {
  readonly name: string;
  readonly shard?: Shard;
  readonly target?: string;
  readonly batches: readonly number[];
  readonly found?: readonly (Partial<FoundThing> & { readonly title: string })[];
}

async function make({
  name,
  shard = { index: 1, count: 1 },
  target = "programs",
  batches,
  found = [],
}: Campaign) {
  const path = join(folder, name);
  const corpus = await Corpus.open(path, { target, seed: 1, shard, config: "default" }, `kernel of ${name}`);
  for (const batch of batches) addBatch(corpus.state, batch, { counts: { programs: 48 }, verdicts: [] });
  for (const finding of found) {
    const key = `prediction: ${finding.title}`;
    const file = await corpus.keepFinding(key, () => `the spec of ${name}`);
    const numbers = { reproduced: 3, attempts: 3, seen: 1, afterMs: 10, tracedMs: 20 };
    corpus.state.findings.push({ key, oracle: "prediction", file, ...numbers, ...finding });
  }
  await corpus.save();
  return corpus;
}

async function keep(corpus: Corpus, input: string, raised: readonly string[], key?: string): Promise<void> {
  const why = key === undefined ? "coverage" : "finding";
  const about = { version: 1, target: "programs", seed: 1, batch: 0, why } as const;
  await corpus.inputs.keep({ ...about, ...(key === undefined ? {} : { key }), raised, input });
}

const twoOf = (index: number): Shard => ({ index, count: 2 });

it("campaigns of shards stay apart, of one campaign the further part stays", async () => {
  await make({ name: "a", shard: twoOf(1), batches: [0, 2, 4] });
  await make({ name: "b", shard: twoOf(2), batches: [1] });
  await make({ name: "older-a", shard: twoOf(1), batches: [0] });
  const out = join(folder, "out");
  const sources = ["a", "b", "older-a"].map((name) => join(folder, name));
  expect(await mergeCorpora(sources, out)).toMatchObject({ target: "programs", campaigns: 2 });
  const state = async (name: string) => JSON.parse(await readFile(join(out, name), "utf8"));
  expect(await state("campaign-1-1of2.json")).toMatchObject({ nextBatch: 6, counts: { programs: 144 } });
  expect(await state("campaign-1-2of2.json")).toMatchObject({ nextBatch: 3, counts: { programs: 48 } });
});

it("a finding of several campaigns is one, with the spec that is easiest to bring about again", async () => {
  const sometimes = { title: "another value", reproduced: 1, input: "p" };
  await make({ name: "a", shard: twoOf(1), batches: [0], found: [sometimes] });
  await make({
    name: "b",
    shard: twoOf(2),
    batches: [1],
    found: [{ title: "another value", input: "pp" }, { title: "other" }],
  });
  const out = join(folder, "out");
  // A folder with corpora in it stands for them.
  expect(await mergeCorpora([folder], out)).toMatchObject({ campaigns: 2, findings: 2 });
  const specs = await readdir(join(out, "findings"));
  expect(specs).toHaveLength(2);
  for (const spec of specs) expect(await readFile(join(out, "findings", spec), "utf8")).toBe("the spec of b");
  const first = JSON.parse(await readFile(join(out, "campaign-1-1of2.json"), "utf8"));
  expect(first.findings).toMatchObject([{ title: "another value", reproduced: 3, input: "pp" }]);
});

it("what a campaign has covered goes with it, of the crate too", async () => {
  const corpus = await make({ name: "a", batches: [0] });
  corpus.state.crate = { stamp: "s", reached: { "rex/src/a.rs": [7] }, found: { "rex/src/a.rs": [7, 9] } };
  await corpus.save();
  await keep(corpus, "x", ["rex/src/a.rs:7"]);
  await keep(corpus, "longer", ["rex/src/a.rs:7"]);
  const out = join(folder, "out");
  expect(await mergeCorpora([join(folder, "a")], out)).toMatchObject({ inputs: 1, dropped: 1 });
  const { crate } = JSON.parse(await readFile(join(out, "campaign-1.json"), "utf8"));
  expect(crate).toEqual(corpus.state.crate);
});

it("merging again changes nothing", async () => {
  const corpus = await make({ name: "a", batches: [0], found: [{ title: "one" }] });
  await keep(corpus, "x", ["maps.c:1"]);
  const out = join(folder, "out");
  const merged = await mergeCorpora([join(folder, "a")], out);
  const contents = async () =>
    Promise.all(
      (await readdir(out, { recursive: true }))
        .sort()
        .map(async (name) => [name, await readFile(join(out, name), "utf8").catch(() => "a folder")]),
    );
  const before = await contents();
  expect(await mergeCorpora([join(folder, "a"), out], out)).toEqual(merged);
  expect(await contents()).toEqual(before);
});

it("inputs that add nothing are dropped, also from the corpus that was there", async () => {
  const a = await make({ name: "a", batches: [0] });
  await keep(a, "one line", ["maps.c:1"]);
  await keep(a, "both lines", ["maps.c:1", "maps.c:2"]);
  await keep(a, "a finding", [], "prediction: x");
  await keep(a, "the same finding, longer", [], "prediction: x");
  const merged = await mergeCorpora([], join(folder, "a"));
  expect(merged).toMatchObject({ inputs: 2, dropped: 2 });
  const left = (
    await Corpus.open(
      join(folder, "a"),
      { target: "programs", seed: 1, shard: { index: 1, count: 1 }, config: "default" },
      "k",
    )
  ).inputs.all;
  expect(left.map(([, { input }]) => input).sort()).toEqual(["a finding", "both lines"]);
});

it("whatever was raised is still raised by what is kept", () => {
  const inputs = new Map(
    [["a"], ["a", "b"], ["b", "c"], ["c"], []].map((raised, at) => [
      `${at}`,
      { version: 1, target: "programs", seed: 1, batch: 0, why: "coverage", raised, input: at } as const,
    ]),
  );
  const kept = minimised(inputs);
  expect([...kept.keys()].sort()).toEqual(["1", "2"]);
});

it("what can't be merged is told", async () => {
  await make({ name: "c", batches: [0], found: [{ title: "lost" }] });
  await rm(join(folder, "c", "findings"), { recursive: true });
  await expect(mergeCorpora([join(folder, "c")], join(folder, "out1"))).rejects.toThrow(/has no spec/);
  await make({ name: "a", batches: [0] });
  await make({ name: "b", target: "loader", shard: twoOf(1), batches: [0] });
  const both = ["a", "b"].map((name) => join(folder, name));
  await expect(mergeCorpora(both, join(folder, "out"))).rejects.toThrow(
    /different targets.*loader, programs/,
  );
  await mkdir(join(folder, "empty"));
  await expect(mergeCorpora([join(folder, "empty")], join(folder, "out2"))).rejects.toThrow(/no campaign/);
});
