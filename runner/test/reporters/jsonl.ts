// SPDX-License-Identifier: MIT
// One JSON object a line, as things happen. docs/reporters.md describes the events; fields are added, never changed, within a version.
import { timestamp } from "../../support/clock.ts";
import type { Output } from "./output.ts";
import type {
  Activity,
  BrokenFile,
  IgnoredTest,
  Reporter,
  RunInfo,
  RunSummary,
  TestReport,
} from "./reporter.ts";

const version = 1;

export class JsonlReporter implements Reporter {
  readonly #output: Output;
  readonly #now: () => number;

  constructor(output: Output, now: () => number = timestamp) {
    this.#output = output;
    this.#now = now;
  }

  onStart(info: RunInfo): void {
    this.#event("run-start", { version, ...info });
  }

  onActivity({ kind, at, ...rest }: Activity): void {
    this.#event(kind === "step" ? "test-step" : `test-${kind}`, rest, at);
  }

  onNotice(text: string): void {
    this.#event("notice", { text });
  }

  onConsole(text: string): void {
    this.#event("console", { text });
  }

  onTest({ name, file, ...rest }: TestReport): void {
    this.#event("test-end", { file, test: name, ...rest });
  }

  onIgnored({ name, file, ...rest }: IgnoredTest): void {
    this.#event("test-ignored", { file, test: name, ...rest });
  }

  onBrokenFile(file: BrokenFile): void {
    this.#event("broken-file", { ...file });
  }

  onEnd({ tests, ignored, brokenFiles, ...rest }: RunSummary): void {
    const sizes = { tests: tests.length, ignored: ignored.length, brokenFiles: brokenFiles.length };
    this.#event("run-end", { ...rest, ...sizes });
    this.#output.finish();
  }

  onFatal(message: string): void {
    this.#event("run-failed", { message });
    this.#output.finish();
  }

  #event(event: string, fields: Readonly<Record<string, unknown>>, at = this.#now()): void {
    this.#output.write(`${JSON.stringify({ event, at, ...fields })}\n`);
  }
}
