// SPDX-License-Identifier: MIT
// A character per test, then the failures in full: for runs of many tests that mostly pass.
import { type Paint, painter } from "../../support/style.ts";
import type { OutcomeKind } from "../outcome/outcome.ts";
import type { Output } from "./output.ts";
import type { Reporter, RunSummary, TestReport } from "./reporter.ts";
import { summaryText } from "./summary-text.ts";
import { colourOf } from "./text.ts";

const dots: Readonly<Record<OutcomeKind, string>> = {
  passed: ".",
  failed: "F",
  "kernel-crashed": "C",
  "guest-hung": "H",
  "infrastructure-failed": "I",
  "never-ran": "-",
};
const lineLength = 80;

export class DotReporter implements Reporter {
  readonly #output: Output;
  readonly #cwd: string;
  readonly #paint: Paint;
  #column = 0;

  constructor(output: Output, cwd: string) {
    this.#output = output;
    this.#cwd = cwd;
    this.#paint = painter(output.colour);
  }

  onTest({ verdict: { outcome }, flaky }: TestReport): void {
    this.#dot(flaky ? this.#paint("yellow", "f") : this.#paint(colourOf(outcome.kind), dots[outcome.kind]));
  }

  onIgnored(): void {
    this.#dot(this.#paint("dim", "*"));
  }

  onBrokenFile(): void {
    this.#dot(this.#paint("red", "B"));
  }

  onConsole(text: string): void {
    this.#newLine();
    this.#output.write(`${text.trimEnd()}\n`);
  }

  onEnd(summary: RunSummary): void {
    this.#newLine();
    this.#output.write(summaryText(summary, this.#cwd, this.#paint));
    this.#output.finish();
  }

  onFatal(): void {
    this.#newLine();
    this.#output.discard();
  }

  #dot(mark: string): void {
    this.#output.write(mark);
    this.#column += 1;
    if (this.#column === lineLength) this.#newLine();
  }

  #newLine(): void {
    if (this.#column > 0) this.#output.write("\n");
    this.#column = 0;
  }
}
