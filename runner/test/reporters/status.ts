// SPDX-License-Identifier: MIT
// What is going on right now, from the activities of a run: the queue, the guests in use, the step that each test is in, and how
// long it may still take.
import { formatDuration } from "../../support/format.ts";
import type { Paint } from "../../support/style.ts";
import { countOutcomes, type OutcomeKind } from "../outcome/outcome.ts";
import type { Activity, RunInfo, TestReport } from "./reporter.ts";
import { countsText } from "./text.ts";

interface RunningTest {
  readonly label: string;
  state: "queued" | "booting" | "running";
  since: number;
  step: readonly string[];
}

/** Ended tests after which the pace says something. */
const fewestForEstimate = 5;

export class RunStatus {
  readonly #now: () => number;
  readonly #tests = new Map<string, RunningTest>();
  readonly #ended: OutcomeKind[] = [];
  #info: RunInfo | undefined;
  #startedAt: number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#startedAt = now();
  }

  start(info: RunInfo): void {
    this.#info = info;
    this.#startedAt = this.#now();
  }

  note(activity: Activity): void {
    const { file, test } = activity;
    const key = `${file}\0${test}`;
    const known = this.#tests.get(key);
    if (activity.kind === "finished") this.#tests.delete(key);
    else if (activity.kind !== "step") {
      const { kind: state, at: since } = activity;
      this.#tests.set(key, { label: `${file} > ${test}`, state, since, step: [] });
    } else if (known) {
      // Of steps side by side the newest is shown, and its parent when it has ended.
      known.step = activity.state === "begun" ? activity.path : activity.path.slice(0, -1);
    }
  }

  end(test: TestReport): void {
    this.#ended.push(test.verdict.outcome.kind);
  }

  /** The first line says it all in short; one for each guest in use follows. */
  lines(paint: Paint): readonly string[] {
    const tests = [...this.#tests.values()];
    const busy = tests.filter(({ state }) => state !== "queued");
    const total = this.#info?.tests;
    const ended = this.#ended.length;
    // Most tests are not even begun while others wait for a guest; to the reader all of them wait.
    const queued =
      total === undefined ? tests.length - busy.length : Math.max(0, total - ended - busy.length);
    const elapsedMs = this.#now() - this.#startedAt;
    const left = this.#leftMs(elapsedMs);
    const head = [
      total === undefined ? `${ended} ended` : `${ended} of ${total} ended`,
      countsText(countOutcomes(this.#ended), 0, paint),
      `${queued} queued`,
      `${busy.length} of ${this.#info?.jobs ?? busy.length} guests`,
      formatDuration(elapsedMs) + (left === undefined ? "" : `, about ${formatDuration(left)} left`),
    ].join("  ");
    return [head, ...busy.map((test) => this.#line(test, paint))];
  }

  #line({ label, state, since, step }: RunningTest, paint: Paint): string {
    const where = state === "booting" ? "starting its guest" : step.join(" > ");
    const time = formatDuration(this.#now() - since);
    return `  ${label}  ${paint("dim", time)}${where === "" ? "" : `  ${paint("cyan", where)}`}`;
  }

  /** At the pace so far. */
  #leftMs(elapsedMs: number): number | undefined {
    const total = this.#info?.tests;
    const ended = this.#ended.length;
    if (total === undefined || ended < fewestForEstimate || ended >= total) return undefined;
    return (elapsedMs / ended) * (total - ended);
  }
}
