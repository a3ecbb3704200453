// SPDX-License-Identifier: MIT
// What the reader of a campaign sees: on a terminal, and in a log.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Progress } from "../../runner/support/progress.ts";
import { Campaign } from "./campaign.ts";
import { Corpus } from "./corpus.ts";
import type { Target } from "./target.ts";
import { Teller } from "./teller.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-teller-"));
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  vi.stubEnv("TERM", "xterm");
  vi.stubEnv("NO_COLOR", "");
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const target = {
  name: "programs",
  counted: [
    { name: "programs", hasRate: true },
    { name: "refused", hasRate: false },
  ],
  remarks: () => ["100.00 % compile"],
} as unknown as Target;

/** A terminal that knows what is written to it: lines, and what moves and erases. */
class Screen {
  readonly isTTY: boolean;
  readonly rows: number;
  written = "";
  #lines: string[] = [""];
  #row = 0;

  constructor(isTTY = true, rows = 24) {
    this.isTTY = isTTY;
    this.rows = rows;
  }

  write(text: string): void {
    this.written += text;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
    for (const [part, up] of text.matchAll(/\u001b\[(\d+)A|\u001b\[[?\d]*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g)) {
      if (up !== undefined) this.#row -= Number(up);
      else if (part.endsWith("J") && part.startsWith("\u001b"))
        this.#lines = [...this.#lines.slice(0, this.#row), ""];
      else if (part === "\n") {
        this.#row += 1;
        this.#lines[this.#row] ??= "";
      } else if (!part.startsWith("\u001b") && part !== "\r") this.#lines[this.#row] += part;
    }
  }

  get lines(): readonly string[] {
    return this.#lines.filter((line) => line !== "");
  }
}

async function open(screen: Screen) {
  const name = { target: "programs", seed: 7, shard: { index: 1, count: 1 }, config: "default" };
  const teller = new Teller(target, new Progress({ isTTY: false, write: () => undefined }), screen);
  const campaign = new Campaign({
    corpus: await Corpus.open(folder, name, "k"),
    timeMs: 60_000,
    findingsAtMost: 20,
    signal: new AbortController().signal,
    say: (line) => teller.say(line),
  });
  return { campaign, teller };
}

async function batch(campaign: Campaign, programs: number): Promise<void> {
  const at = await campaign.nextBatch();
  if (at === undefined) throw new Error("the campaign is over");
  await campaign.finishBatch(at, { counts: { programs }, verdicts: [] });
}

describe("on a terminal", () => {
  it("the numbers are redrawn in place, with what is going on", async () => {
    const screen = new Screen();
    const { campaign, teller } = await open(screen);
    teller.onStart(campaign);
    expect(screen.lines[0]).toBe("programs  0.0 s, about 1:00 left  0 found, 0 not confirmed");
    const compiling = Promise.withResolvers<void>();
    const during = campaign.during("compiling", () => compiling.promise, "batch 3");
    await batch(campaign, 96);
    vi.advanceTimersByTime(10_000);
    expect(screen.lines).toEqual([
      "programs  10 s, about 50 s left  0 found, 0 not confirmed",
      "  96 programs (9.6/s)  100.00 % compile",
      "  0 inputs kept",
      "  compiling batch 3  10 s",
    ]);
    compiling.resolve();
    await during;
    vi.advanceTimersByTime(100);
    expect(screen.lines.some((line) => line.includes("batch 3"))).toBe(false);
    expect(screen.lines.at(-1)).toBe("  0 inputs kept  10 s compiling");
    await campaign[Symbol.asyncDispose]();
    teller[Symbol.dispose]();
  });

  it("what is said stays above them, and in the end they are gone", async () => {
    const screen = new Screen();
    const { campaign, teller } = await open(screen);
    teller.onStart(campaign);
    teller.say("FOUND one");
    vi.advanceTimersByTime(200);
    teller.say("FOUND another");
    vi.advanceTimersByTime(200);
    expect(screen.lines.slice(0, 3)).toEqual([
      "FOUND one",
      "FOUND another",
      expect.stringContaining("programs  0.4 s"),
    ]);
    // A line for each batch is for logs.
    teller.onBatch(campaign);
    vi.advanceTimersByTime(20_000);
    teller.onBatch(campaign);
    expect(screen.lines.length).toBe(5);
    teller.onEnd(campaign);
    expect(screen.lines).toEqual([
      "FOUND one",
      "FOUND another",
      expect.stringMatching(/^20 s; 0 programs \(0\.0\/s\), 100\.00 % compile; 0 found/),
      expect.stringMatching(/^digest [0-9a-f]{32} of 0 batches$/),
    ]);
    const { written } = screen;
    vi.advanceTimersByTime(5_000);
    expect(screen.written).toBe(written);
    await campaign[Symbol.asyncDispose]();
  });

  it("no more lines than it has, and colours where they are wanted", async () => {
    const screen = new Screen(true, 3);
    const { campaign, teller } = await open(screen);
    teller.onStart(campaign);
    expect(screen.lines.length).toBe(2);
    expect(screen.written).not.toBe(stripVTControlCharacters(screen.written));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a colour
    expect(screen.written).toMatch(/\u001b\[1mprograms/);
    teller[Symbol.dispose]();
    vi.stubEnv("NO_COLOR", "1");
    const plain = new Screen();
    const other = new Teller(target, new Progress({ isTTY: false, write: () => undefined }), plain);
    other.onStart(campaign);
    expect(plain.written).toContain("programs  ");
    expect(plain.written).not.toContain("\u001b[1m");
    other[Symbol.dispose]();
    await campaign[Symbol.asyncDispose]();
  });
});

describe("in a log", () => {
  it.each([
    ["no terminal", false, "xterm"],
    ["a terminal without control sequences", true, "dumb"],
  ])("there is a line at intervals: %s", async (_, isTTY, term) => {
    vi.stubEnv("TERM", term);
    const screen = new Screen(isTTY);
    const { campaign, teller } = await open(screen);
    teller.onStart(campaign);
    teller.onBatch(campaign);
    expect(screen.written).toBe("");
    vi.advanceTimersByTime(10_000);
    teller.onBatch(campaign);
    teller.onBatch(campaign);
    expect(screen.written).toBe("10 s; 0 programs (0.0/s), 100.00 % compile; 0 found, 0 not confirmed\n");
    teller.say("FOUND one");
    teller.onEnd(campaign);
    expect(screen.lines.slice(1)).toEqual([
      "FOUND one",
      expect.stringContaining("10 s; 0 programs"),
      expect.stringContaining("digest "),
    ]);
    await campaign[Symbol.asyncDispose]();
  });

  it("what was covered of the crate is told beside the runtime's, where it is watched", async () => {
    const screen = new Screen(false);
    const { campaign, teller } = await open(screen);
    const runtime = { arcs: 1, arcsOf: 2, lines: 5, linesOf: 10, branches: 1, branchesOf: 4 };
    campaign.state.covered = runtime;
    teller.onEnd(campaign);
    expect(screen.lines[0]).toMatch(/; 5 lines \(50\.0 %\) and 1 branches \(25\.0 %\)$/);
    campaign.state.covered = { ...runtime, crateLines: 7, crateLinesOf: 9 };
    teller.onEnd(campaign);
    expect(screen.lines[2]).toMatch(/\(25\.0 %\); 7 of 9 lines of the crate$/);
    await campaign[Symbol.asyncDispose]();
  });
});
