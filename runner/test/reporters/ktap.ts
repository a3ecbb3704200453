// SPDX-License-Identifier: MIT
// KTAP (Documentation/dev-tools/ktap.rst): files, in them tests, in them steps. A nested result stands before its parent's own, so
// that a file is written when all of its tests are known: at the end of the run.
import { visible } from "../../support/format.ts";
import type { OutcomeKind } from "../outcome/outcome.ts";
import type { Output } from "./output.ts";
import type { IgnoredTest, Reporter, RunSummary, TestReport } from "./reporter.ts";
import { type StepNode, stepTree } from "./step-tree.ts";
import { failureText } from "./text.ts";

type Result = "passed" | "skipped" | "failed";

interface Node {
  readonly name: string;
  readonly result: Result;
  readonly directive?: string | undefined;
  /** Lines before the result. */
  readonly diagnostics?: string | undefined;
  readonly children: readonly Node[];
}

const directives: Readonly<Partial<Record<OutcomeKind, string>>> = {
  "guest-hung": "TIMEOUT",
  "infrastructure-failed": "ERROR",
  "never-ran": "ERROR",
};

export class KtapReporter implements Reporter {
  readonly #output: Output;
  readonly #cwd: string;

  constructor(output: Output, cwd: string) {
    this.#output = output;
    this.#cwd = cwd;
  }

  onEnd(summary: RunSummary): void {
    this.#output.write(ktap(summary, this.#cwd));
    this.#output.finish();
  }

  onFatal(message: string): void {
    this.#output.write(`KTAP version 1\n1..1\nnot ok 1 run # ERROR ${oneLine(message)}\n`);
    this.#output.finish();
  }
}

export function ktap(summary: RunSummary, cwd: string): string {
  const nodes = fileNodes(summary, cwd);
  for (const { file, message } of summary.brokenFiles)
    nodes.push({ ...leaf(file, "failed", "ERROR the spec could not be loaded"), diagnostics: message });
  for (const { message } of summary.stray)
    nodes.push(leaf("(outside of any test)", "failed", `ERROR ${message}`));
  return `${lines(nodes, "").join("\n")}\n`;
}

function fileNodes({ tests, ignored }: RunSummary, cwd: string): Node[] {
  const entries = [...tests, ...ignored];
  return [...Map.groupBy(entries, ({ file }) => file)].map(([file, entriesOfFile]) =>
    parent(
      file,
      entriesOfFile.map((entry) => ("verdict" in entry ? testNode(entry, cwd) : ignoredNode(entry))),
    ),
  );
}

function testNode(test: TestReport, cwd: string): Node {
  const { outcome, steps } = test.verdict;
  if (outcome.kind === "passed")
    return { ...leaf(test.name, "passed"), children: stepTree(steps).map((step) => stepNode(step, true)) };
  const word = directives[outcome.kind];
  const [reason = ""] = outcome.reason.split("\n");
  return {
    name: test.name,
    result: "failed",
    directive: word === undefined ? reason : `${word} ${reason}`,
    diagnostics: outcome.kind === "never-ran" ? undefined : failureText(test, cwd),
    children: stepTree(steps).map((step) => stepNode(step, false)),
  };
}

function ignoredNode({ name, reason }: IgnoredTest): Node {
  return leaf(name, "skipped", `SKIP ${reason}`);
}

/** In KTAP a failed child fails its parent: a step that failed in a test that passed is told as an expected failure. */
function stepNode(step: StepNode, parentOk: boolean): Node {
  const forgiven = !step.ok && parentOk;
  return {
    name: step.name,
    result: step.ok || forgiven ? "passed" : "failed",
    directive: forgiven ? "XFAIL the test went on" : undefined,
    children: step.children.map((child) => stepNode(child, step.ok || forgiven)),
  };
}

function leaf(name: string, result: Result, directive?: string): Node {
  return { name, result, directive, children: [] };
}

/** Failed if one of its children is, skipped if all are. */
function parent(name: string, children: readonly Node[]): Node {
  const any = (result: Result) => children.some((child) => child.result === result);
  if (any("failed")) return { name, result: "failed", children };
  return any("passed")
    ? { name, result: "passed", children }
    : { ...leaf(name, "skipped", "SKIP"), children };
}

function lines(nodes: readonly Node[], indent: string): string[] {
  const all = [`${indent}KTAP version 1`, `${indent}1..${nodes.length}`];
  for (const [index, node] of nodes.entries()) {
    if (node.children.length > 0) all.push(...lines(node.children, `${indent}  `));
    for (const line of visible(node.diagnostics ?? "")
      .split("\n")
      .filter(Boolean))
      all.push(`${indent}# ${line}`.trimEnd());
    const directive = node.directive === undefined ? "" : ` # ${oneLine(node.directive)}`;
    const result = node.result === "failed" ? "not ok" : "ok";
    all.push(`${indent}${result} ${index + 1} ${description(node.name)}${directive}`);
  }
  return all;
}

/** Any characters but # and line breaks; a number sign of another width can be read as well. */
function description(name: string): string {
  return oneLine(name).replaceAll("#", "\uff03");
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*[\r\n\u2028\u2029]+\s*/g, " ");
}
