// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import type { Machine } from "../../../qemu/machine.ts";
import type { Snapshot } from "../snapshots/snapshot.ts";
import type { CloneStart, WaitingClone } from "./clone.ts";
import { Forks, type Source } from "./forks.ts";

const machine = {} as Machine;
const snapshot = {} as Snapshot;
const start: CloneStart = { limitMs: 1_000, signal: new AbortController().signal };

class FakeSource implements Source {
  children = 0;
  hasEnded = false;
  fails = false;

  async fork(): Promise<WaitingClone> {
    if (this.fails) throw new Error("no more");
    this.children += 1;
    return {} as WaitingClone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hasEnded = true;
  }
}

function forksWith(mostSources: number, library = async () => "library") {
  const sources: FakeSource[] = [];
  const notices: string[] = [];
  const forks = new Forks({
    mostSources,
    warmUpObject: undefined,
    library,
    startSource: async () => {
      sources.push(new FakeSource());
      return sources.at(-1) as FakeSource;
    },
    signal: start.signal,
    onNotice: (line) => notices.push(line),
  });
  /** Whether a guest was forked. */
  const wish = async (key: string, of = machine) =>
    (await forks.fork(key, of, snapshot, start)) !== undefined;
  return { forks, sources, notices, wish };
}

it("forks from the third wish for a kind on, all of one machine", async () => {
  const { sources, wish } = forksWith(2);
  expect([await wish("a"), await wish("a"), await wish("a"), await wish("a")]).toEqual([
    false,
    false,
    true,
    true,
  ]);
  expect(sources).toHaveLength(1);
});

const translations = { plugin: "/p.so", from: "0x0", to: "0x1" };
it.each([{ countsInstructions: true }, { diskMiB: 64 }, { net: "restricted" }, { translations }] as const)(
  "forks no machine with %o",
  async (part) => {
    const { wish } = forksWith(2);
    for (let i = 0; i < 4; i++) expect(await wish("a", { ...machine, ...part })).toBe(false);
  },
);

it("ends the machine unused longest for another kind, and none that has guests", async () => {
  const { sources, wish } = forksWith(2);
  for (const key of ["a", "b"]) for (let i = 0; i < 3; i++) await wish(key);
  for (let i = 0; i < 3; i++) expect(await wish("c")).toBe(false);
  const [a, b] = sources as [FakeSource, FakeSource];
  a.children = 0;
  expect(await wish("c")).toBe(true);
  expect([a.hasEnded, b.hasEnded]).toEqual([true, false]);
  // Its turn may come again.
  b.children = 0;
  expect(await wish("a")).toBe(true);
  expect(b.hasEnded).toBe(true);
});

it("tells once that there are no forks, and goes on without", async () => {
  const { notices, wish } = forksWith(2, async () => {
    throw new Error("no compiler");
  });
  for (const key of ["a", "b"]) for (let i = 0; i < 3; i++) expect(await wish(key)).toBe(false);
  expect(notices).toEqual(["guests are cloned, not forked: no compiler"]);
});

it("gives up a machine that can't be forked any more", async () => {
  const { sources, notices, wish } = forksWith(2);
  for (let i = 0; i < 3; i++) await wish("a");
  const [source] = sources as [FakeSource];
  source.fails = true;
  expect([await wish("a"), await wish("a")]).toEqual([false, false]);
  expect(source.hasEnded).toBe(true);
  expect(notices).toEqual(["guests are cloned, not forked: no more"]);
});
