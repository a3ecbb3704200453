// SPDX-License-Identifier: MIT
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { targets } from "./targets.ts";

it("each target is fuzzed at night, and merged", async () => {
  const workflow = new URL("../../.github/workflows/fuzz-nightly.yml", import.meta.url);
  const lists = [...(await readFile(workflow, "utf8")).matchAll(/^ +target: \[(.*)\]$/gm)];
  const names = targets.map(({ name }) => name).join(", ");
  expect(lists.map(([, list]) => list)).toEqual([names, names]);
});
