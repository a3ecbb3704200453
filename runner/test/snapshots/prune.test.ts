// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { type Entry, uselessOf } from "./prune.ts";

const sum = { bytes: 1, digest: "d", stamp: "s" };
const MiB = 1024 ** 2;

function entry(folder: string, change: Partial<Entry> & { hostBoot?: string } = {}): Entry {
  const { hostBoot = "now", ...rest } = change;
  const manifest = { key: folder, kernel: "/k", hostBoot, ram: sum, state: sum, boot: sum };
  return { folder, manifest, kernelExists: true, usedAtMs: 0, bytes: 60 * MiB, ...rest };
}

describe("uselessOf", () => {
  it("keeps what can be used", () => {
    expect(uselessOf([entry("a"), entry("b")], "now")).toEqual([]);
  });

  it("drops what nobody can use: damaged, of another boot of the host, of a kernel that is gone", () => {
    const entries = [
      entry("damaged", { manifest: undefined }),
      entry("old boot", { hostBoot: "before" }),
      entry("no kernel", { kernelExists: false }),
      entry("good"),
    ];
    expect(uselessOf(entries, "now")).toEqual(["damaged", "old boot", "no kernel"]);
  });

  it("drops the least recently used ones when there are too many", () => {
    const entries = Array.from({ length: 40 }, (_, index) => entry(`${index}`, { usedAtMs: index }));
    expect(uselessOf(entries, "now").toSorted()).toEqual(Array.from({ length: 9 }, (_, index) => `${index}`));
  });

  it("drops the least recently used ones when they are too large together", () => {
    const entries = [1, 2, 3].map((age) => entry(`${age}`, { usedAtMs: -age, bytes: 1536 * MiB }));
    expect(uselessOf(entries, "now")).toEqual(["3"]);
  });
});
