// SPDX-License-Identifier: MIT
// Runs benchmarks one after the other: side by side they would measure each other.
import type { Progress } from "../support/progress.ts";
import { artifactsRoot, openArtifactsFolder } from "../test/engine/artifacts-folder.ts";
import { type Prepared, type PrepareSettings, prepare } from "../test/engine/prepare.ts";
import { countOutcomes, exitCodeOf, type Outcome } from "../test/outcome/outcome.ts";
import type { Benchmark } from "./benchmark.ts";
import { Lab } from "./lab.ts";
import { outcomeOfError } from "./outcome.ts";
import type { BenchmarkResult } from "./result.ts";

export interface BenchSettings extends PrepareSettings {
  readonly benchmarks: readonly Benchmark[];
  readonly samples: number | undefined;
}

export interface BenchReporter {
  onStart(prepared: Prepared): void;
  onResult(result: BenchmarkResult): void;
  onFailure(benchmark: Benchmark, error: unknown): void;
}

export interface BenchRun {
  readonly kernel: string;
  readonly machine: string;
  readonly results: readonly BenchmarkResult[];
  readonly exitCode: number;
}

export async function runBenchmarks(
  settings: BenchSettings,
  reporter: BenchReporter,
  progress: Progress,
): Promise<BenchRun> {
  const prepared = await prepare(settings, [], progress);
  reporter.onStart(prepared);
  await using artifacts = await openArtifactsFolder(artifactsRoot(settings.cwd));
  const results: BenchmarkResult[] = [];
  const outcomes: Outcome[] = [];
  for (const [done, benchmark] of settings.benchmarks.entries()) {
    const total = settings.benchmarks.length;
    const show = (item: string) =>
      progress.update({ what: `measuring: ${benchmark.name}`, done, total, item });
    try {
      const result = await runOne(benchmark, settings, prepared, artifacts.path, show);
      results.push(result);
      outcomes.push({ kind: "passed" });
      reporter.onResult(result);
    } catch (error) {
      settings.signal.throwIfAborted();
      outcomes.push(outcomeOfError(error));
      reporter.onFailure(benchmark, error);
    }
  }
  return {
    kernel: prepared.kernel.name,
    machine: prepared.machine,
    results,
    exitCode: exitCodeOf(countOutcomes(outcomes.map(({ kind }) => kind))),
  };
}

async function runOne(
  benchmark: Benchmark,
  { samples, signal }: BenchSettings,
  prepared: Prepared,
  folder: string,
  onStep: (what: string) => void,
): Promise<BenchmarkResult> {
  const startedAt = performance.now();
  const lab = new Lab({ prepared, folder, samples, signal, onStep });
  onStep("starting");
  const tables = await benchmark.run(lab);
  const { name, title } = benchmark;
  return { name, title, tables, notes: lab.notes, durationMs: Math.round(performance.now() - startedAt) };
}
