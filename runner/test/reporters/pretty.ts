// SPDX-License-Identifier: MIT
// For a person at a terminal: a line per test as it ends, a live line of what is going on, the failures in full at the end.
// Without a terminal the same lines, and none that are redrawn.
import { formatDuration, plural } from "../../support/format.ts";
import type { Progress } from "../../support/progress.ts";
import { styled } from "../../support/style.ts";
import type {
  Activity,
  BrokenFile,
  IgnoredTest,
  Reporter,
  RunInfo,
  RunSummary,
  TestReport,
} from "./reporter.ts";
import { colourOf, countsText, errorText, failureText, indent, outcomeMarks } from "./text.ts";

export class PrettyReporter implements Reporter {
  readonly #progress: Progress;
  readonly #write: (line: string) => void;
  readonly #cwd: string;
  readonly #running = new Map<string, Activity["kind"]>();
  #ended = 0;

  constructor(options: {
    readonly progress: Progress;
    readonly write: (line: string) => void;
    readonly cwd: string;
  }) {
    this.#progress = options.progress;
    this.#write = options.write;
    this.#cwd = options.cwd;
  }

  onStart(info: RunInfo): void {
    this.#say(
      `${plural(info.files, "spec file")} on ${info.kernel}, ${plural(info.jobs, "guest")} at a time (${info.machine})`,
    );
  }

  onActivity(activity: Activity): void {
    const test = `${activity.file} > ${activity.test}`;
    if (activity.kind === "finished") this.#running.delete(test);
    else if (activity.kind !== "step") this.#running.set(test, activity.kind);
    this.#drawStatus();
  }

  onConsole(text: string): void {
    this.#say(text.trimEnd());
  }

  onTest(test: TestReport): void {
    this.#ended += 1;
    const { outcome, durationMs, readyMs } = test.verdict;
    const mark = styled(colourOf(outcome.kind), outcomeMarks[outcome.kind]);
    const times = styled("dim", `${durationMs} ms${readyMs > 0 ? `, boot ${readyMs} ms` : ""}`);
    this.#say(`${mark} ${test.file} > ${test.name}  ${times}`);
    for (const step of test.verdict.steps) {
      this.#say(
        `${"  ".repeat(step.depth + 1)}${step.ok ? "·" : styled("red", "✗")} ${step.name}  ${styled("dim", `${step.durationMs} ms`)}`,
      );
    }
    this.#drawStatus();
  }

  onIgnored(test: IgnoredTest): void {
    this.#say(styled("dim", `- ${test.file} > ${test.name}  ignored: ${test.reason}`));
  }

  onBrokenFile(file: BrokenFile): void {
    this.#say(`${styled("red", outcomeMarks.failed)} ${file.file}  could not be loaded`);
  }

  onEnd(summary: RunSummary): void {
    this.#progress[Symbol.dispose]();
    for (const file of summary.brokenFiles) {
      this.#say(
        `\n${styled("red", `${outcomeMarks.failed} NOT LOADED  ${file.file}`)}\n${indent(file.message, 2)}`,
      );
    }
    for (const test of summary.tests) {
      const { kind } = test.verdict.outcome;
      if (kind !== "passed" && kind !== "never-ran") this.#say(`\n${failureText(test, this.#cwd)}`);
    }
    for (const error of summary.stray) {
      this.#say(`\n${styled("yellow", "! outside of any test")}\n${errorText(error, "")}`);
    }
    this.#say(
      `\n${countsText(summary.counts, summary.ignored.length)} in ${formatDuration(summary.durationMs)}`,
    );
    if (summary.interrupted) this.#say("interrupted: the other tests never ran");
  }

  #say(line: string): void {
    this.#progress.clear();
    this.#write(line);
  }

  #drawStatus(): void {
    if (this.#running.size === 0) return;
    const of = (kind: Activity["kind"]) =>
      [...this.#running].filter(([, state]) => state === kind).map(([test]) => test);
    const busy = [...of("running"), ...of("booting").map((test) => `${test} (booting)`)];
    const waiting = of("queued").length;
    const item = `${this.#ended} ended${waiting > 0 ? `, ${waiting} waiting` : ""}: ${busy.join(" · ")}`;
    this.#progress.update({ what: "running specs", item });
  }
}
