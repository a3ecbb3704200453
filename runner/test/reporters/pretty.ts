// SPDX-License-Identifier: MIT
// For a person at a terminal: a line per test as it ends, live lines of what is going on, the failures in full at the end.
// Without a terminal the same lines, and none that are redrawn.
import { relative } from "node:path";
import { plural } from "../../support/format.ts";
import type { LiveArea } from "../../support/live-area.ts";
import { type Paint, painter } from "../../support/style.ts";
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
import { RunStatus } from "./status.ts";
import { summaryText } from "./summary-text.ts";
import { attemptsText, colourOf, outcomeMarks } from "./text.ts";

export interface PrettyOptions {
  readonly output: Output;
  readonly cwd: string;
  /** Absent where nobody watches: in a file. */
  readonly live?: LiveArea | undefined;
  /** Writes a line about the run itself; absent: it is a line of the report. */
  readonly notice?: ((line: string) => void) | undefined;
}

export class PrettyReporter implements Reporter {
  readonly #output: Output;
  readonly #cwd: string;
  readonly #live: LiveArea | undefined;
  readonly #notice: ((line: string) => void) | undefined;
  readonly #paint: Paint;
  readonly #status = new RunStatus();

  constructor(options: PrettyOptions) {
    this.#output = options.output;
    this.#cwd = options.cwd;
    this.#live = options.live;
    this.#notice = options.notice;
    this.#paint = painter(options.output.colour);
  }

  onStart(info: RunInfo): void {
    this.#status.start(info);
    const shard = info.shard ? `, shard ${info.shard.index} of ${info.shard.count}` : "";
    const shuffled = info.shuffleSeed === undefined ? "" : `, shuffled (--shuffle=${info.shuffleSeed})`;
    const tests = info.tests === undefined ? "" : `${plural(info.tests, "test")} in `;
    this.#say(
      `${tests}${plural(info.files, "spec file")}${shard}${shuffled} on ${info.kernel}, ${plural(info.jobs, "guest")} at a time (${info.machine})`,
    );
    this.#live?.start(() => this.#status.lines(this.#paint));
  }

  onActivity(activity: Activity): void {
    this.#status.note(activity);
  }

  onNotice(text: string): void {
    if (this.#notice === undefined) this.#say(text);
    else this.#above(() => this.#notice?.(text));
  }

  onConsole(text: string): void {
    this.#say(text.trimEnd());
  }

  onTest(test: TestReport): void {
    this.#status.end(test);
    const { outcome, durationMs, readyMs } = test.verdict;
    const paint = this.#paint;
    const mark = paint(colourOf(outcome.kind), outcomeMarks[outcome.kind]);
    const times = paint("dim", `${durationMs} ms${readyMs > 0 ? `, boot ${readyMs} ms` : ""}`);
    const flaky = test.flaky ? paint("yellow", `  flaky, attempt ${test.attempts?.length ?? 1}`) : "";
    const attempts = test.attempts ? paint("dim", `  ${attemptsText(test.attempts)}`) : "";
    const lines = [`${mark} ${test.file} > ${test.name}  ${times}${flaky}${attempts}`];
    for (const step of test.verdict.steps) {
      const stepMark = step.ok ? "·" : paint("red", "✗");
      const time = paint("dim", `${step.durationMs} ms`);
      lines.push(`${"  ".repeat(step.depth + 1)}${stepMark} ${step.name}  ${time}`);
    }
    // Those of a failed test are told with the failure.
    const attachments = outcome.kind === "passed" ? test.verdict.attachments : undefined;
    for (const { path } of attachments ?? []) lines.push(`  kept   ${relative(this.#cwd, path)}`);
    this.#say(lines.join("\n"));
  }

  onIgnored(test: IgnoredTest): void {
    this.#say(this.#paint("dim", `- ${test.file} > ${test.name}  ignored: ${test.reason}`));
  }

  onBrokenFile({ file, phase }: BrokenFile): void {
    const what = phase === "hooks" ? "its hooks failed" : "could not be loaded";
    this.#say(`${this.#paint("red", outcomeMarks.failed)} ${file}  ${what}`);
  }

  onEnd(summary: RunSummary): void {
    this.#live?.[Symbol.dispose]();
    this.#output.write(summaryText(summary, this.#cwd, this.#paint));
    this.#output.finish();
  }

  onFatal(): void {
    this.#live?.[Symbol.dispose]();
    this.#output.discard();
  }

  #say(line: string): void {
    this.#above(() => this.#output.write(`${line}\n`));
  }

  #above(write: () => void): void {
    if (this.#live === undefined) write();
    else this.#live.above(write);
  }
}
