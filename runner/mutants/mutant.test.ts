// SPDX-License-Identifier: MIT
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mutantsFolder, repositoryRoot } from "../kernel/repository.ts";
import { parseMutant, readMutants } from "./mutant.ts";

test("the head of a patch names the promise and the specs", () => {
  const patch =
    "SPDX-License-Identifier: GPL-2.0-only\nPromise: a promise\nSpecs: maps/ attach/hello\n---\n--- a/x\n+++ b/x\n";
  expect(parseMutant("m", patch)).toEqual({
    name: "m",
    promise: "a promise",
    specs: ["maps/", "attach/hello"],
    patch,
  });
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
