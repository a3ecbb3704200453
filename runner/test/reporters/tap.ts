// SPDX-License-Identifier: MIT
// TAP 14 (https://testanything.org/tap-version-14-specification.html): a test point per test as it ends, its steps as a subtest,
// and what went wrong as YAML.
import { visible } from "../../support/format.ts";
import type { Output } from "./output.ts";
import type { BrokenFile, IgnoredTest, Reporter, RunSummary, ShownError, TestReport } from "./reporter.ts";
import { type StepNode, stepTree } from "./step-tree.ts";
import { rerunById } from "./text.ts";
import { yamlDocument } from "./yaml.ts";

export class TapReporter implements Reporter {
  readonly #output: Output;
  #count = 0;

  constructor(output: Output) {
    this.#output = output;
    output.write("TAP version 14\n");
  }

  onTest(test: TestReport): void {
    const title = `${test.file} > ${test.name}`;
    const ok = test.verdict.outcome.kind === "passed";
    const { steps } = test.verdict;
    if (steps.length > 0) this.#write(subtest(title, stepTree(steps), ok, ""));
    this.#point(ok, title);
    this.#write(diagnostics(yamlOfTest(test)));
  }

  onIgnored({ file, name, reason }: IgnoredTest): void {
    this.#point(true, `${file} > ${name}`, `SKIP ${oneLine(reason)}`);
  }

  onBrokenFile({ file, message, phase }: BrokenFile): void {
    this.#point(false, file);
    this.#write(
      diagnostics(yamlDocument({ outcome: phase === "hooks" ? "hooks-failed" : "not-loaded", message })),
    );
  }

  onConsole(text: string): void {
    this.#comment(text);
  }

  onNotice(text: string): void {
    this.#comment(text);
  }

  onEnd(summary: RunSummary): void {
    for (const error of summary.stray) this.#stray(error);
    const cut = summary.interrupted ? "the run was interrupted" : undefined;
    // A harness takes the plan as the promise of so many points; after a bail-out none is expected.
    this.#write(cut === undefined ? `1..${this.#count}` : `Bail out! ${cut}`);
    this.#output.finish();
  }

  onFatal(message: string): void {
    this.#write(`Bail out! ${oneLine(message)}`);
    this.#output.finish();
  }

  #stray(error: ShownError): void {
    this.#point(false, "(outside of any test)");
    this.#write(diagnostics(yamlDocument({ ...error })));
  }

  #point(ok: boolean, description: string, directive = ""): void {
    this.#count += 1;
    this.#write(point(ok, this.#count, description, directive));
  }

  #comment(text: string): void {
    this.#write(
      visible(text.trimEnd())
        .split("\n")
        .map((line) => `# ${line}`)
        .join("\n"),
    );
  }

  #write(lines: string): void {
    this.#output.write(`${lines}\n`);
  }
}

function point(ok: boolean, number: number, description: string, directive: string): string {
  return `${ok ? "ok" : "not ok"} ${number} - ${escaped(description)}${directive === "" ? "" : ` # ${directive}`}`;
}

/** A backslash makes of the next # or \ what it is. */
function escaped(text: string): string {
  return oneLine(text).replaceAll(/[\\#]/g, "\\$&");
}

/** Line breaks would end the line's meaning. */
function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*[\r\n\u2028\u2029]+\s*/g, " ");
}

/** A step may fail and the test go on: then it is no failure of the test, which is what TODO says. */
function subtest(name: string, steps: readonly StepNode[], parentOk: boolean, indent: string): string {
  const inner = `${indent}    `;
  const lines = [`${indent}# Subtest: ${escaped(name)}`];
  for (const [index, step] of steps.entries()) {
    if (step.children.length > 0) lines.push(subtest(step.name, step.children, step.ok, inner));
    const forgiven = !step.ok && parentOk ? "TODO the test went on" : "";
    lines.push(inner + point(step.ok, index + 1, step.name, forgiven));
    lines.push(diagnostics(yamlDocument({ duration_ms: step.durationMs }), inner));
  }
  lines.push(`${inner}1..${steps.length}`);
  return lines.join("\n");
}

function yamlOfTest({ id, verdict, errors, rerun, flaky, attempts }: TestReport): string {
  const { outcome, durationMs, readyMs, queuedMs, failure } = verdict;
  const report = failure?.report;
  return yamlDocument({
    outcome: outcome.kind,
    duration_ms: durationMs,
    ready_ms: readyMs,
    queued_ms: queuedMs,
    flaky,
    attempts: attempts?.length,
    ...(outcome.kind === "passed" ? {} : { message: outcome.reason }),
    step: failure?.step,
    at: errors[0]?.at,
    diff: errors[0]?.diff,
    exits: failure?.exits.map(({ prog, reason, message }) => `${prog}: ${reason}: ${message ?? ""}`),
    splat: report?.splats[0]?.lines.join("\n"),
    console: report !== undefined && report.splats.length === 0 ? report.consoleTail.join("\n") : undefined,
    artifacts: failure?.artifacts,
    rerun: outcome.kind === "passed" ? undefined : id === undefined ? rerun : rerunById(id),
  });
}

function diagnostics(yaml: string, indent = ""): string {
  const base = `${indent}  `;
  return [`${base}---`, ...yaml.split("\n").map((line) => base + line), `${base}...`].join("\n");
}
