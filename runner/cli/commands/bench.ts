// SPDX-License-Identifier: MIT
// `rex-test bench`: what Rex costs, in numbers that can be compared.
import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { resolve } from "node:path";
import { Command } from "commander";
import type { AcceleratorWish } from "../../../qemu/probes.ts";
import type { Benchmark } from "../../bench/benchmark.ts";
import { benchmarks } from "../../bench/benchmarks/index.ts";
import { GuestLostError } from "../../bench/lab.ts";
import { type BenchReporter, type BenchRun, runBenchmarks } from "../../bench/run-benchmarks.ts";
import { formatResult } from "../../bench/table.ts";
import { describeError, RexTestError } from "../../support/errors.ts";
import { formatTable } from "../../support/format.ts";
import { interruption } from "../../support/interruption.ts";
import { Progress } from "../../support/progress.ts";
import { acceleratorOption, bootLimitMs, configOption, kernelOption, oneKernel } from "./kernel-flags.ts";
import { atLeastOne } from "./run-flags.ts";

interface BenchFlags {
  readonly list?: boolean;
  readonly json?: string;
  readonly samples?: number;
  readonly kernel?: string;
  readonly config?: string;
  readonly accel: AcceleratorWish;
}

export const command = new Command("bench")
  .description("measure what Rex costs, against eBPF and against its own limits")
  .argument("[names...]", "benchmarks to run (default: all)")
  .option("--list", "show the benchmarks, run none")
  .option("--json <file>", "also write the numbers to a file")
  .option("--samples <n>", "samples of each measurement (default: as many as it needs)", atLeastOne)
  .addOption(kernelOption())
  .addOption(configOption())
  .addOption(acceleratorOption("how guests run that do not count instructions"))
  .action(async (names: readonly string[], flags: BenchFlags, self: Command) => {
    const wish = oneKernel(self, flags);
    const chosen = choose(names);
    if (flags.list) {
      console.log(formatTable(chosen.map(({ name, title }) => [name, title])));
      return;
    }
    using progress = new Progress();
    const settings = {
      benchmarks: chosen,
      samples: flags.samples,
      cwd: process.cwd(),
      jobs: availableParallelism(),
      ...wish,
      accelerator: flags.accel,
      bootLimitMs,
      signal: interruption,
    };
    const run = await runBenchmarks(settings, reporterTo(progress), progress);
    if (flags.json !== undefined)
      await writeFile(resolve(flags.json), `${JSON.stringify(asJson(run), null, 2)}\n`);
    process.exitCode = run.exitCode;
  });

function choose(names: readonly string[]): readonly Benchmark[] {
  const unknown = names.find((name) => !benchmarks.some((benchmark) => benchmark.name === name));
  if (unknown !== undefined) {
    throw new RexTestError(`there is no benchmark ${JSON.stringify(unknown)}`, {
      hint: `one of ${benchmarks.map(({ name }) => name).join(", ")}`,
    });
  }
  return names.length === 0 ? benchmarks : benchmarks.filter(({ name }) => names.includes(name));
}

function reporterTo(progress: Progress): BenchReporter {
  const print = (text: string) => {
    progress.clear();
    console.log(text);
  };
  return {
    onStart: ({ kernel, machine }) => print(`kernel ${kernel.name}; ${machine}; ${hostWords()}\n`),
    onResult: (result) => print(`${formatResult(result)}\n`),
    onFailure: ({ name }, error) => print(`${name}: failed\n${failureWords(error)}\n`),
  };
}

function failureWords(error: unknown): string {
  if (!(error instanceof GuestLostError)) return describeError(error);
  const { verdict, report } = error;
  return `error: ${verdict.kind.replace("-", " ")}: ${verdict.reason}\n  where: ${report.consoleFile}`;
}

function hostWords(): string {
  return `${cpus().length} CPUs, ${cpus()[0]?.model.trim() ?? "of an unknown kind"}`;
}

function asJson({ kernel, machine, results }: BenchRun): unknown {
  const host = { cpus: cpus().length, model: cpus()[0]?.model.trim() };
  return { version: 1, takenAt: new Date().toISOString(), host, kernel, machine, benchmarks: results };
}
