// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { DotReporter } from "./dot.ts";
import { ReporterGroup, troubleText } from "./group.ts";
import { JsonlReporter } from "./jsonl.ts";
import type { Reporter } from "./reporter.ts";
import { cwd, MemoryOutput, replay } from "./testing/recorded-run.ts";

test("what goes wrong with one is kept from the others, and told", async () => {
  const output = new MemoryOutput();
  let calls = 0;
  const full: Reporter = {
    onTest: () => {
      calls += 1;
      throw new Error("no space left on device");
    },
    onEnd: () => {
      calls += 1;
    },
  };
  const late: Reporter = { onEnd: () => Promise.reject(new Error("too late")) };
  const group = new ReporterGroup([
    { name: "full", reporter: full },
    { name: "late", reporter: late },
    { name: "jsonl", reporter: new JsonlReporter(output) },
  ]);
  await replay(group);
  expect(output.state).toBe("finished");
  expect(output.text.trimEnd().split("\n").at(-1)).toContain('"event":"run-end"');
  expect(calls).toBe(1);
  expect(group.troubles.map(troubleText)).toEqual([
    "the full reporter failed: no space left on device",
    "the late reporter failed: too late",
  ]);
});

test("dots: a character per test, then what went wrong", async () => {
  const output = new MemoryOutput();
  await replay(new DotReporter(output, cwd));
  const [broken, hello, dots] = output.text.split("\n");
  expect([broken, hello, dots]).toEqual(["B", "a spec says hello", "..FCHI-f*"]);
  expect(output.text).toContain("KERNEL CRASHED  specs/loader/b.spec.ts > crashes");
  expect(output.text).toMatch(/3 passed, 2 failed, .* \(1 flaky\) in 4\.0 s\n$/);
});
