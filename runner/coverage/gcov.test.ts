// SPDX-License-Identifier: MIT
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mustRun } from "../support/process.ts";
import { Coverage } from "./coverage.ts";
import { formatGcda, parseGcda } from "./gcda.ts";
import { coverageByLine } from "./gcov.ts";
import { talliesOf } from "./lines.ts";
import { CountedProgram } from "./testing/counted-program.ts";

test("gcov reads a file that was parsed and written again as it reads the compiler's own", async () => {
  await using program = await CountedProgram.build();
  const gcov = async () => {
    const args = ["--json-format", "--stdout", "--branch-probabilities", "kernel/rex/ways.gcda"];
    return (await mustRun("gcov", args, { what: "gcov", cwd: program.folder })).stdout;
  };
  const bytes = await program.run(3);
  const before = await gcov();
  await writeFile(join(program.folder, "kernel/rex/ways.gcda"), formatGcda(parseGcda(bytes)));
  expect(await gcov()).toBe(before);
  expect(before).toContain('"count": 3');
});

test("lines, branches and functions of two runs together", async () => {
  await using program = await CountedProgram.build();
  const coverage = new Coverage();
  coverage.add(await program.counters(0));
  coverage.add(await program.counters(1));
  const notes = { folder: program.folder, sources: ["kernel/rex/ways.c", "kernel/rex/other.c"] };
  const files = await coverageByLine(coverage.counters, notes);
  expect(files.map(({ path }) => path)).toEqual(["kernel/rex/ways.c"]);
  const [file] = files;
  if (file === undefined) throw new Error("no file");
  // Only even numbers came: the "return 1" of odd() never ran.
  expect([2, 4, 5, 6].map((line) => file.lines.get(line))).toEqual([1, 1, 0, 1]);
  expect(file.lines.get(16)).toBe(2);
  expect(file.branches.get(4)).toEqual([0, 1]);
  expect(file.functions).toEqual([
    { name: "odd", line: 2, calls: 1 },
    { name: "main", line: 9, calls: 2 },
  ]);
  expect(talliesOf(file).functions).toEqual({ found: 2, hit: 2 });
});

test("bytes that are something else are refused", () => {
  expect(() => parseGcda(Buffer.from("anything at all"))).toThrow("not a file of gcov's counters");
});
