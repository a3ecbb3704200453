// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { ktap } from "./ktap.ts";
import { cwd, recordedSummary } from "./testing/recorded-run.ts";

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

const nodes = parse(ktap(recordedSummary, cwd));
const testNamed = (part: string) =>
  nodes.flatMap(({ children }) => children).find(({ name }) => name.includes(part));

test("nests tests in files, with a file failing when one of its tests does", () => {
  expect(nodes.map(({ name, ok }) => [name, ok])).toEqual([
    ["specs/panic/a.spec.ts", false],
    ["specs/loader/b.spec.ts", false],
    ["specs/broken.spec.ts", false],
    ["(outside of any test)", false],
  ]);
  expect(nodes[0]?.children).toHaveLength(7);
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

test("a file of which nothing ran is skipped", () => {
  const { ignored } = recordedSummary;
  const [file] = parse(ktap({ ...recordedSummary, tests: [], brokenFiles: [], stray: [], ignored }, cwd));
  expect(file).toMatchObject({ ok: true, directive: "SKIP" });
});
