// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { KtapReporter } from "./ktap.ts";
import type { RunSummary } from "./reporter.ts";
import { cwd, MemoryOutput, recordedSummary, replay, testReport } from "./testing/recorded-run.ts";

interface Node {
  readonly ok: boolean;
  readonly name: string;
  readonly directive: string;
  readonly children: readonly Node[];
}

/** The grammar of Documentation/dev-tools/ktap.rst, and nothing beside it. */
function parse(text: string): readonly Node[] {
  const lines = text.split("\n");
  expect(lines.pop()).toBe("");
  const nodes = parseLevel(lines, "");
  expect(lines).toEqual([]);
  return nodes;
}

function parseLevel(lines: string[], indent: string): readonly Node[] {
  expect(lines.shift()).toBe(`${indent}KTAP version 1`);
  const plan = Number(/^ *1\.\.(\d+)$/.exec(lines.shift() ?? "")?.[1]);
  const nodes: Node[] = [];
  let children: readonly Node[] = [];
  while (nodes.length < plan) {
    const [next = ""] = lines;
    if (next === `${indent}  KTAP version 1`) {
      children = parseLevel(lines, `${indent}  `);
      continue;
    }
    lines.shift();
    expect(next.startsWith(indent)).toBe(true);
    const line = next.slice(indent.length);
    if (line.startsWith("#")) continue;
    const match = /^(ok|not ok) (\d+) ([^#]*?)(?: # (.*))?$/.exec(line);
    expect(match, line).not.toBeNull();
    const [, result, number, name = "", directive = ""] = match ?? [];
    expect(Number(number)).toBe(nodes.length + 1);
    nodes.push({ ok: result === "ok", name, directive, children });
    children = [];
  }
  return nodes;
}

async function replayed(summary: RunSummary = recordedSummary): Promise<readonly Node[]> {
  const output = new MemoryOutput();
  await replay(new KtapReporter(output, cwd), summary);
  expect(output.state).toBe("finished");
  return parse(output.text);
}

const nodes = await replayed();
const testNamed = (part: string) =>
  nodes.flatMap(({ children }) => children).find(({ name }) => name.includes(part));

test("nests tests in files, with a file failing when one of its tests does", () => {
  expect(nodes.map(({ name, ok }) => [name, ok])).toEqual([
    ["specs/broken.spec.ts", false],
    ["specs/panic/a.spec.ts", false],
    ["specs/loader/b.spec.ts", false],
    ["run", false],
  ]);
  expect(nodes[1]?.children).toHaveLength(7);
  expect(nodes.at(-1)?.directive).toBe("ERROR nobody awaited this");
});

test("tells outcomes apart by directives", () => {
  expect(testNamed("hangs")).toMatchObject({ ok: false, directive: expect.stringMatching(/^TIMEOUT /) });
  expect(testNamed("has no guest")).toMatchObject({ ok: false, directive: "ERROR QEMU ended" });
  expect(testNamed("not here")).toMatchObject({
    ok: true,
    directive: "SKIP this kernel is without CONFIG_X",
  });
  expect(testNamed("crashes")).toMatchObject({ ok: false, directive: "kernel panic: <sysrq> & more" });
});

test("steps are nested results, and no child of a passed test fails", () => {
  const inSteps = testNamed("passes in steps");
  expect(inSteps?.ok).toBe(true);
  expect(inSteps?.children.map(({ name }) => name)).toEqual(["outer", "second"]);
  expect(inSteps?.children[0]?.children).toMatchObject([{ ok: true, directive: "XFAIL the test went on" }]);
});

const nothing: RunSummary = { ...recordedSummary, tests: [], ignored: [], brokenFiles: [], stray: [] };

test("a file of which nothing ran is skipped, also in a run without a beginning", async () => {
  const { ignored } = recordedSummary;
  const output = new MemoryOutput();
  new KtapReporter(output, cwd).onEnd({ ...nothing, ignored });
  for (const [file, run] of [await replayed({ ...nothing, ignored }), parse(output.text)]) {
    expect(file).toMatchObject({ ok: true, directive: "SKIP", children: [{ name: "not here" }] });
    expect(run).toMatchObject({ ok: true, name: "run" });
  }
});

test("tests are written as they end, those of other files when the one that was begun is done", () => {
  const output = new MemoryOutput();
  const reporter = new KtapReporter(output, cwd);
  const plan = [
    { file: "a", tests: 2 },
    { file: "b", tests: 2 },
  ];
  reporter.onStart({ files: 2, plan, kernel: "k", machine: "m", jobs: 2 });
  const lastLine = () => output.text.trimEnd().split("\n").at(-1);
  reporter.onIgnored({ file: "a", name: "a1", reason: "why not" });
  expect(lastLine()).toBe("1..3");
  reporter.onTest(testReport("b1", { file: "b" }));
  expect(lastLine()).toBe("  ok 1 b1");
  reporter.onTest(testReport("a2", { file: "a" }));
  expect(lastLine()).toBe("  ok 1 b1");
  reporter.onTest(testReport("b2", { file: "b" }));
  expect(output.text.split("\n").slice(2, -1)).toEqual([
    ...["  KTAP version 1", "  1..2", "  ok 1 b1", "  ok 2 b2", "ok 1 b"],
    ...["  KTAP version 1", "  1..2", "  ok 1 a1 # SKIP why not", "  ok 2 a2", "ok 2 a"],
  ]);
  reporter.onBrokenFile({ file: "b", message: "afterAll threw", phase: "hooks" });
  reporter.onEnd(nothing);
  expect(parse(output.text).map(({ ok }) => ok)).toEqual([true, true, false]);
});

test("a run that can't be carried out is a failed point", () => {
  const output = new MemoryOutput();
  new KtapReporter(output, cwd).onFatal("no kernel\nat all");
  expect(parse(output.text)).toMatchObject([{ ok: false, name: "run", directive: "ERROR no kernel at all" }]);
});
