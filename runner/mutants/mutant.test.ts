// SPDX-License-Identifier: MIT
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mutantsFolder, repositoryRoot } from "../kernel/repository.ts";
import { parseMutant, readCiNames, readMutants, takeShard } from "./mutant.ts";

test("the head of a patch names the promise and the specs", () => {
  const patch =
    "SPDX-License-Identifier: GPL-2.0-only\nPromise: a promise\nSpecs: maps/ attach/hello\n---\n--- a/x\n+++ b/x\n";
  expect(parseMutant("m", patch)).toEqual({
    name: "m",
    promise: "a promise",
    specs: ["maps/", "attach/hello"],
    config: "default",
    patch,
  });
  expect(parseMutant("m", patch.replace("---", "Config: kasan,lockdep\n---")).config).toBe("kasan,lockdep");
});

test("shards have every mutant once", () => {
  const all = ["a", "b", "c", "d", "e"];
  expect([1, 2, 3].map((index) => takeShard(all, index, 3))).toEqual([["a", "d"], ["b", "e"], ["c"]]);
});

test("the mutants of CI are a handful of the default kernel's", async () => {
  const names = await readCiNames(mutantsFolder);
  expect(names.length).toBeGreaterThan(0);
  const mutants = await readMutants(mutantsFolder, names);
  expect(mutants.map(({ config }) => config)).toEqual(names.map(() => "default"));
});

test("a patch without promise or specs is refused by name", () => {
  expect(() => parseMutant("m", "Specs: maps/\n---\n")).toThrow(/mutant m has no line "Promise/);
  expect(() => parseMutant("m", "Promise: p\n---\nSpecs: too late\n")).toThrow(/mutant m has no line "Specs/);
});

test("an unknown name is refused", async () => {
  await expect(readMutants(mutantsFolder, ["no-such-mutant"])).rejects.toThrow(/no mutant "no-such-mutant"/);
});

test("every mutant names specs that exist", async () => {
  const specs = (await readdir(join(repositoryRoot, "specs"), { recursive: true })).filter((path) =>
    path.endsWith(".spec.ts"),
  );
  for (const mutant of await readMutants(mutantsFolder, [])) {
    for (const wanted of mutant.specs) {
      expect(
        specs.some((path) => path.startsWith(wanted)),
        `${mutant.name}: ${wanted}`,
      ).toBe(true);
    }
  }
});
