// SPDX-License-Identifier: MIT
import { Parser, type Result } from "tap-parser";
import { expect, test } from "vitest";
import { TapReporter } from "./tap.ts";
import { hostileName, MemoryOutput, recordedSummary, replay } from "./testing/recorded-run.ts";

interface Parsed {
  readonly results: Parser["results"];
  readonly points: readonly Result[];
  readonly subtests: readonly string[];
  /** Lines that are no TAP. */
  readonly extra: readonly string[];
}

function parse(text: string): Parsed {
  const points: Result[] = [];
  const subtests: string[] = [];
  const extra: string[] = [];
  const parser = new Parser({ strict: true });
  parser.on("assert", (point) => points.push(point));
  parser.on("child", (child) => subtests.push(child.name));
  parser.on("extra", (line) => extra.push(line));
  parser.end(text);
  return { results: parser.results, points, subtests, extra };
}

async function tapOf(summary = recordedSummary): Promise<string> {
  const output = new MemoryOutput();
  await replay(new TapReporter(output), summary);
  expect(output.state).toBe("finished");
  return output.text;
}

test("is TAP 14, down to the last line", async () => {
  const text = await tapOf();
  expect(text.startsWith("TAP version 14\n")).toBe(true);
  const { results, points, extra } = parse(text);
  expect(extra).toEqual([]);
  expect(results).toMatchObject({
    ok: false,
    count: 11,
    plan: { start: 1, end: 11 },
    skip: 1,
    bailout: false,
  });
  // Six outcomes that are no pass; the broken file and the stray error are two of them.
  expect(results?.fail).toBe(7);
  expect(points).toHaveLength(11);
});

test("names survive, whatever they are made of", async () => {
  const { points } = parse(await tapOf());
  const name = `specs/panic/a.spec.ts > ${hostileName.replace("\n", " ")}`;
  expect(points.map((point) => point.name)).toContain(name);
});

test("steps are subtests, and one that fails in a test that passes is no failure", async () => {
  const { points, subtests } = parse(await tapOf());
  expect(subtests[0]).toContain("passes in steps");
  expect(points.find((point) => point.name.endsWith("passes in steps"))?.ok).toBe(true);
});

test("what went wrong is YAML", async () => {
  const { points } = parse(await tapOf());
  const failed = points.find((point) => point.name.includes("<b>"));
  // The parser knows duration_ms, and takes it out.
  expect(failed?.time).toBe(300);
  expect(failed?.diag).toMatchObject({
    outcome: "failed",
    ready_ms: 100,
    message: "expected 1 to be 2\n  <indented> & more\\x07",
    diff: "- 2\n+ 1\n\n  ...",
    at: "specs/panic/a.spec.ts:12:5",
    exits: ["prog: panic: index out of bounds: <the len> is 3"],
  });
  const crashed = points.find((point) => point.name.endsWith("crashes"));
  expect(crashed?.diag).toMatchObject({ outcome: "kernel-crashed" });
  expect(String(Reflect.get(crashed?.diag ?? {}, "splat"))).toContain("not syncing: <sysrq>");
});

test("an interrupted run and one that could not be carried out bail out", async () => {
  const interrupted = parse(await tapOf({ ...recordedSummary, interrupted: true }));
  expect(interrupted.results?.bailout).toBe("the run was interrupted");
  const output = new MemoryOutput();
  new TapReporter(output).onFatal("no test matches\n--filter x");
  expect(parse(output.text).results?.bailout).toBe("no test matches --filter x");
});
