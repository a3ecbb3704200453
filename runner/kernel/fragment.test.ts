// SPDX-License-Identifier: MIT
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  configName,
  findMismatches,
  knownConfigs,
  loadFragments,
  mergeSettings,
  parseSettings,
} from "./fragment.ts";

test("a fragment's settings are read as .config spells them", () => {
  const text = '# a comment\nCONFIG_SMP=y\nCONFIG_NAME="a b"\nCONFIG_SIZE=16000\n\n# CONFIG_VT is not set\n';
  expect([...parseSettings(text, "x.config")]).toEqual([
    ["SMP", "y"],
    ["NAME", '"a b"'],
    ["SIZE", "16000"],
    ["VT", "n"],
  ]);
});

test("a line that is no setting is refused with its place", () => {
  expect(() => parseSettings("CONFIG_A=y\nSMP=y\n", "x.config")).toThrow(
    expect.objectContaining({ message: 'not a kernel option: "SMP=y"', where: "x.config:2" }),
  );
});

test("of two fragments the later one wins", () => {
  const first = { settings: parseSettings("CONFIG_A=y\nCONFIG_B=y\n", "a") };
  const second = { settings: parseSettings("# CONFIG_A is not set\n", "b") };
  expect([...mergeSettings([first, second])]).toEqual([
    ["A", "n"],
    ["B", "y"],
  ]);
});

test("an option that .config does not mention is off", () => {
  const got = parseSettings("CONFIG_A=y\nCONFIG_B=m\n", ".config");
  const wanted = parseSettings("CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\n# CONFIG_D is not set\n", "x.config");
  expect(findMismatches(wanted, got)).toEqual([
    { symbol: "B", wanted: "y", got: "m" },
    { symbol: "C", wanted: "y", got: "n" },
  ]);
});

test("what .config says is found again whatever the values are", () => {
  const symbol = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,20}$/);
  const value = fc.oneof(fc.constantFrom("y", "m", "n"), fc.nat().map(String));
  fc.assert(
    fc.property(fc.dictionary(symbol, value), (settings) => {
      const lines = Object.entries(settings).map(([name, set]) =>
        set === "n" ? `# CONFIG_${name} is not set` : `CONFIG_${name}=${set}`,
      );
      const parsed = parseSettings(lines.join("\n"), "x.config");
      expect(Object.fromEntries(parsed)).toEqual({ ...settings });
      expect(findMismatches(parsed, parsed)).toEqual([]);
    }),
  );
});

test("the repository's configs can all be loaded, and combine", async () => {
  const known = await knownConfigs();
  expect(known).toContain("default");
  for (const name of known) expect((await loadFragments(name))[0]?.name).toBe("default");
  const both = await loadFragments("kmemleak,orc");
  expect(configName(both)).toBe("kmemleak+orc");
  expect(configName(await loadFragments("default"))).toBe("default");
});

test("an unknown config is answered with those there are", async () => {
  await expect(loadFragments("no-such")).rejects.toMatchObject({
    message: 'there is no kernel config named "no-such"',
    hint: expect.stringMatching(/default, .*kmemleak, .*orc/),
  });
});

test("a fragment of one's own is taken by its path", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rex-fragment-"));
  try {
    const path = join(folder, "mine.config");
    await writeFile(path, "CONFIG_X=y\n");
    const fragments = await loadFragments(path);
    expect(fragments.map((fragment) => fragment.name)).toEqual(["default", "mine"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
