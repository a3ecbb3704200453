// SPDX-License-Identifier: MIT
// KTAP (Documentation/dev-tools/ktap.rst): files, in them tests, in them steps. A nested result stands before its parent's own: the tests
// of one file are written as they end, those of files beside it when that one is done.
import { visible } from "../../support/format.ts";
import type { OutcomeKind } from "../outcome/outcome.ts";
import type { Output } from "./output.ts";
import type { BrokenFile, IgnoredTest, Reporter, RunInfo, RunSummary, TestReport } from "./reporter.ts";
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

/** A file that is being told: its tests as far as they have ended. */
interface FileState {
  /** How many of them there will be, ignored ones included. */
  readonly planned: number;
  readonly waiting: Node[];
  written: number;
  /** A test has ended, or all of them have: it is worth to begin with this file. */
  hasEnded: boolean;
  readonly results: Result[];
}

export class KtapReporter implements Reporter {
  readonly #output: Output;
  readonly #cwd: string;
  readonly #files = new Map<string, FileState>();
  /** The file whose tests are written as they end. Those of the others wait until it is done. */
  #current: string | undefined;
  #begun = false;
  #points = 0;
  /** Of the last point, which is the run's own: what went wrong outside of any test. */
  readonly #troubles: string[] = [];

  constructor(output: Output, cwd: string) {
    this.#output = output;
    this.#cwd = cwd;
  }

  onStart({ plan = [] }: RunInfo): void {
    this.#begin(plan);
  }

  onTest(test: TestReport): void {
    this.#add(test.file, testNode(test, this.#cwd), true);
  }

  onIgnored(test: IgnoredTest): void {
    this.#add(test.file, leaf(test.name, "skipped", `SKIP ${test.reason}`), false);
  }

  onBrokenFile({ file, message, phase }: BrokenFile): void {
    if (phase === "hooks") this.#troubles.push(`${file}: its hooks failed\n${message}`);
    else this.#point({ ...leaf(file, "failed", "ERROR the spec could not be loaded"), diagnostics: message });
  }

  onEnd({ stray, tests, ignored, brokenFiles }: RunSummary): void {
    if (!this.#begun) this.#tellAll(tests, ignored, brokenFiles);
    for (const { message } of stray) this.#troubles.push(message);
    const [first] = this.#troubles;
    this.#point({
      ...leaf("run", first === undefined ? "passed" : "failed", first && `ERROR ${first.split("\n")[0]}`),
      diagnostics: first && this.#troubles.join("\n"),
    });
    this.#output.finish();
  }

  onFatal(message: string): void {
    if (!this.#begun) this.#begin([]);
    this.#point(leaf("run", "failed", `ERROR ${message}`));
    this.#output.finish();
  }

  /** A run without anything to run has no beginning. */
  #tellAll(
    tests: readonly TestReport[],
    ignored: readonly IgnoredTest[],
    brokenFiles: readonly BrokenFile[],
  ): void {
    const counts = [...Map.groupBy([...tests, ...ignored], ({ file }) => file)];
    const broken = brokenFiles.filter(({ phase }) => phase !== "hooks");
    const plan = counts.map(([file, { length }]) => ({ file, tests: length }));
    this.#begin([...plan, ...broken.map(({ file }) => ({ file, tests: 0 }))]);
    for (const file of brokenFiles) this.onBrokenFile(file);
    for (const test of tests) this.onTest(test);
    for (const test of ignored) this.onIgnored(test);
  }

  #begin(plan: NonNullable<RunInfo["plan"]>): void {
    this.#begun = true;
    for (const { file, tests } of plan) {
      const state = { planned: tests, waiting: [], written: 0, hasEnded: false, results: [] };
      if (tests > 0) this.#files.set(file, state);
    }
    // One more for the run itself.
    this.#write(["KTAP version 1", `1..${plan.length + 1}`]);
  }

  #add(file: string, node: Node, hasEnded: boolean): void {
    const state = this.#files.get(file);
    // Before the beginning: the end tells of all at once.
    if (state === undefined) return;
    state.waiting.push(node);
    state.results.push(node.result);
    state.hasEnded ||= hasEnded || state.results.length === state.planned;
    while (this.#advance());
  }

  /** Writes what can be written of one file; false when there is nothing more to be done. */
  #advance(): boolean {
    this.#current ??= this.#next();
    const state = this.#current === undefined ? undefined : this.#files.get(this.#current);
    if (this.#current === undefined || state === undefined) return false;
    if (state.written === 0 && state.waiting.length > 0)
      this.#write(["  KTAP version 1", `  1..${state.planned}`]);
    for (const node of state.waiting.splice(0)) this.#write(pointLines(node, ++state.written, "  "));
    if (state.written < state.planned) return false;
    this.#point(fileNode(this.#current, state.results));
    this.#files.delete(this.#current);
    this.#current = undefined;
    return true;
  }

  /** One that is complete, else one that has begun in earnest: ignored tests are known long before. */
  #next(): string | undefined {
    const files = [...this.#files];
    const complete = files.find(([, { planned, results }]) => results.length === planned);
    return (complete ?? files.find(([, { hasEnded }]) => hasEnded))?.[0];
  }

  #point(node: Node): void {
    this.#write(pointLines(node, ++this.#points, ""));
  }

  #write(lines: readonly string[]): void {
    this.#output.write(`${lines.join("\n")}\n`);
  }
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

/** Failed if one of its tests is, skipped if all are. Its tests have been written before it. */
function fileNode(name: string, results: readonly Result[]): Node {
  if (results.includes("failed")) return leaf(name, "failed");
  return results.includes("passed") ? leaf(name, "passed") : leaf(name, "skipped", "SKIP");
}

function pointLines(node: Node, number: number, indent: string): string[] {
  const all: string[] = [];
  if (node.children.length > 0) {
    const inner = `${indent}  `;
    all.push(`${inner}KTAP version 1`, `${inner}1..${node.children.length}`);
    for (const [index, child] of node.children.entries()) all.push(...pointLines(child, index + 1, inner));
  }
  for (const line of visible(node.diagnostics ?? "")
    .split("\n")
    .filter(Boolean))
    all.push(`${indent}# ${line}`.trimEnd());
  const directive = node.directive === undefined ? "" : ` # ${oneLine(node.directive)}`;
  const result = node.result === "failed" ? "not ok" : "ok";
  all.push(`${indent}${result} ${number} ${description(node.name)}${directive}`);
  return all;
}

/** Any characters but # and line breaks; a number sign of another width can be read as well. */
function description(name: string): string {
  return oneLine(name).replaceAll("#", "\uff03");
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*[\r\n\u2028\u2029]+\s*/g, " ");
}
