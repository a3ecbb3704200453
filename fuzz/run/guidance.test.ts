// SPDX-License-Identifier: MIT
// Guidance with guests that only count: each input takes some arcs.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { formatGcda } from "../../runner/coverage/gcda.ts";
import { CrateCoverage } from "./crate-coverage.ts";
import type { FuzzGuest } from "./fuzz-guest.ts";
import { type Blame, Guidance, type WatchedCrate } from "./guidance.ts";
import { type CampaignState, freshState } from "./state.ts";
import type { Complaint } from "./trial.ts";

const arcs = 6;
let kernel = "";
beforeEach(async () => {
  kernel = await mkdtemp(join(tmpdir(), "rex-guidance-"));
  await mkdir(join(kernel, "gcov/kernel/rex"), { recursive: true });
  await writeFile(join(kernel, "gcov/kernel/rex/exit.gcno"), "");
});
afterEach(async () => {
  await rm(kernel, { recursive: true, force: true });
});

/** Its counters, and how often it was used. */
class Counted {
  readonly counts = new Float64Array(arcs);
  /** Lines of the crate that were reached. */
  readonly lines = new Set<string>();
  readonly stamp: number;
  runs = 0;

  constructor(stamp = 7) {
    this.stamp = stamp;
    this.take(0);
  }

  take(...taken: readonly number[]): void {
    for (const arc of taken) this.counts[arc] = (this.counts[arc] ?? 0) + 1;
  }

  get guest(): FuzzGuest {
    const call = async (method: string) => {
      if (method !== "readFolder") {
        this.counts.fill(0);
        return {};
      }
      const functions = [
        { ident: 0xa, lineChecksum: 1, graphChecksum: 1, arcs: 2 },
        { ident: 0xb, lineChecksum: 1, graphChecksum: 1, arcs: arcs - 2 },
      ];
      // "B22*"
      const shape = { version: 0x4232322a, stamp: this.stamp, functions };
      const data = Buffer.from(formatGcda({ shape, counts: this.counts })).toString("base64");
      return { files: [{ path: "build/kernel/rex/exit.gcda", data }] };
    };
    const takeCrateLines = () => {
      const reached = new Set(this.lines);
      this.lines.clear();
      return { reached, found: reached };
    };
    return { calls: { guest: { call }, slowness: 1 }, takeCrateLines } as unknown as FuzzGuest;
  }
}

/** Of inputs that take these arcs each; what is kept is written down. */
function blameOf(
  inputs: readonly (readonly number[])[],
  counted: Counted,
  kept: [number, readonly string[]][],
): Blame {
  return {
    inputs: inputs.length,
    again: async (_, some): Promise<Complaint[]> => {
      counted.runs += 1;
      for (const index of some) counted.take(...(inputs[index] ?? []));
      return [];
    },
    keep: async (index, raised) => {
      kept.push([index, raised]);
    },
  };
}

async function open(state: CampaignState): Promise<Guidance> {
  const guidance = await Guidance.open({ path: kernel, config: new Set(["GCOV_KERNEL"]) }, state);
  if (guidance === undefined) throw new Error("the kernel counts");
  return guidance;
}

const fresh = () => freshState({ target: "programs", seed: 1, shard: { index: 1, count: 1 }, kernel: "k" });

it("the inputs are kept that have reached something first, with what that was", async () => {
  const [guidance, counted, kept] = [await open(fresh()), new Counted(), [] as [number, readonly string[]][]];
  await guidance.begin(counted.guest);
  const inputs = [[1], [1], [], [], [1, 5], [], [], []];
  counted.take(...inputs.flat());
  await guidance.end(counted.guest, blameOf(inputs, counted, kept));
  // Arcs have the names of their functions; 5 is the fourth of the second one.
  expect(kept).toEqual([
    [0, ["kernel/rex/exit a.1"]],
    [4, ["kernel/rex/exit b.3"]],
  ]);
  const runs = counted.runs;
  counted.take(1, 5);
  await guidance.end(counted.guest, blameOf(inputs, counted, kept));
  expect([kept.length, counted.runs]).toEqual([2, runs]);
});

it("what has run before the inputs is due to none, and what does not come again is looked for once", async () => {
  const [guidance, counted, kept] = [await open(fresh()), new Counted(), [] as [number, readonly string[]][]];
  counted.take(1, 2);
  await guidance.begin(counted.guest);
  counted.take(1, 2, 3);
  await guidance.end(counted.guest, blameOf([[1], [2]], counted, kept));
  expect([kept, counted.runs]).toEqual([[], 2]);
  counted.take(3);
  await guidance.end(counted.guest, blameOf([[1], [2]], counted, kept));
  expect(counted.runs).toBe(2);
});

it("a complaint about inputs that are run again ends the search", async () => {
  const [guidance, counted, kept] = [await open(fresh()), new Counted(), [] as [number, readonly string[]][]];
  await guidance.begin(counted.guest);
  counted.take(4);
  const complaint: Complaint = { oracle: "canary", title: "x", detail: "" };
  const again = async (): Promise<Complaint[]> => [complaint];
  const blame = { ...blameOf([[4], []], counted, kept), again };
  expect(await guidance.end(counted.guest, blame)).toEqual([complaint]);
});

it("a campaign that goes on knows what it had covered, unless the kernel is another one", async () => {
  const state = fresh();
  const first = await open(state);
  const counted = new Counted();
  await first.begin(counted.guest);
  counted.take(3);
  await first.end(counted.guest);
  const kept = JSON.parse(JSON.stringify(state)) as CampaignState;
  const looksFor = async (stamp: number): Promise<number> => {
    const [guidance, later] = [await open(structuredClone(kept)), new Counted(stamp)];
    await guidance.begin(later.guest);
    later.take(3);
    await guidance.end(later.guest, blameOf([[3], []], later, []));
    return later.runs;
  };
  expect(await looksFor(7)).toBe(0);
  expect(await looksFor(8)).toBeGreaterThan(0);
});

it("a new line of the crate counts like an arc, where the crate is watched", async () => {
  const looksFor = async (crate: WatchedCrate | undefined, state = fresh()) => {
    const guidance = await Guidance.open({ path: kernel, config: new Set(["GCOV_KERNEL"]) }, state, crate);
    const [counted, kept] = [new Counted(), [] as [number, readonly string[]][]];
    await guidance?.begin(counted.guest);
    counted.lines.add("rex/src/a.rs:7");
    const again = async (_: FuzzGuest, some: readonly number[]): Promise<Complaint[]> => {
      if (some.includes(2)) counted.lines.add("rex/src/a.rs:7");
      return [];
    };
    const blame = { ...blameOf([[], [], [], []], counted, kept), again };
    await guidance?.end(counted.guest, blame);
    return kept;
  };
  const state = fresh();
  const watched = (): WatchedCrate => ({
    translations: { plugin: "p.so", from: "0x0", to: "0x1" },
    coverage: new CrateCoverage(state, "s"),
  });
  expect(await looksFor(watched(), state)).toEqual([[2, ["rex/src/a.rs:7"]]]);
  expect(await looksFor(watched(), state)).toEqual([]);
  expect(await looksFor(undefined)).toEqual([]);
});

it("a kernel that does not count gives no guidance", async () => {
  expect(await Guidance.open({ path: kernel, config: new Set() }, fresh())).toBeUndefined();
});
