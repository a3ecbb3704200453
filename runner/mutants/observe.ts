// SPDX-License-Identifier: MIT
// Runs specs on a kernel and says what they saw of it. The first test that notices something ends the run: a mutant dies once.
import { repositoryRoot } from "../kernel/repository.ts";
import { messageOf } from "../support/errors.ts";
import { Progress } from "../support/progress.ts";
import type { Prepared } from "../test/engine/prepare.ts";
import { runSpecs } from "../test/engine/run-specs.ts";
import { escapeRegExp, parseFilter, type RunSettings } from "../test/engine/settings.ts";
import type { Reporter, TestReport } from "../test/reporters/reporter.ts";

export interface Observation {
  readonly passed: readonly TestReport[];
  /** Tests whose guest was up and which then failed, or saw the kernel crash or hang. */
  readonly noticed: readonly TestReport[];
  /** What kept tests from saying anything: kernels that don't boot, guests that could not be started, broken files. */
  readonly troubles: readonly string[];
}

export interface ObserveOptions {
  readonly prepared: Prepared;
  readonly paths: readonly string[];
  readonly jobs: number;
  /** Only this test. */
  readonly test?: string | undefined;
  readonly timeoutMs: number;
  readonly artifacts: string;
  readonly signal: AbortSignal;
  readonly onTest?: (test: TestReport) => void;
}

export async function observe(options: ObserveOptions): Promise<Observation> {
  const { prepared, signal } = options;
  const enough = new AbortController();
  const settings: RunSettings = {
    paths: options.paths,
    cwd: repositoryRoot,
    selection: options.test === undefined ? {} : { filter: parseFilter(`/^${escapeRegExp(options.test)}$/`) },
    jobs: options.jobs,
    kernel: undefined,
    config: undefined,
    accelerator: "auto",
    guests: "fork",
    timeoutMs: options.timeoutMs,
    bootLimitMs: prepared.guests.bootLimitMs,
    artifacts: options.artifacts,
    signal: AbortSignal.any([signal, enough.signal]),
  };
  const passed: TestReport[] = [];
  const noticed: TestReport[] = [];
  const troubles: string[] = [];
  const reporter: Reporter = {
    onTest: (test) => {
      if (test.verdict.outcome.kind === "passed") passed.push(test);
      else if (notices(test)) noticed.push(test);
      else if (test.verdict.outcome.kind !== "never-ran") troubles.push(trouble(test));
      options.onTest?.(test);
      if (noticed.length > 0) enough.abort();
    },
    onBrokenFile: ({ file, message }) => troubles.push(`${file}: ${message}`),
  };
  using progress = new Progress({ write: () => undefined });
  try {
    const summary = await runSpecs(settings, reporter, progress, prepared);
    troubles.push(...summary.stray.map(({ message }) => message));
  } catch (error) {
    if (noticed.length === 0) troubles.push(messageOf(error));
  }
  signal.throwIfAborted();
  return { passed, noticed, troubles };
}

/** A test says something about the kernel once its guest is there; before, only that it does not boot. */
export function notices({ verdict }: TestReport): boolean {
  const { kind } = verdict.outcome;
  return (
    (kind === "failed" || kind === "kernel-crashed" || kind === "guest-hung") && verdict.origin !== undefined
  );
}

function trouble({ file, name, verdict: { outcome } }: TestReport): string {
  return `${file} > ${name}: ${outcome.kind === "passed" ? "" : outcome.reason}`;
}
