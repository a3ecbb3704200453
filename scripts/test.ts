// SPDX-License-Identifier: MIT
// `npm test`: all tests of the repository, one part after the other, then one summary. The last line is plain
// ("N passed, M failed") and the exit code is 0 only if something ran and nothing failed. `npm test -- unit cli` runs those parts.
import { readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireRust, rustEnvironment } from "../runner/doctor/toolchain.ts";
import { findKernel } from "../runner/kernel/artifacts.ts";
import { cachePath, ensureFolder, exists } from "../runner/support/cache.ts";
import { ensureCargoTarget } from "../runner/support/cargo-target.ts";
import { exitCodes, messageOf } from "../runner/support/errors.ts";
import { formatDuration, formatTable } from "../runner/support/format.ts";
import { installSignalHandlers, interruption } from "../runner/support/interruption.ts";
import { describeEnding, type ProcessOptions, runProcess } from "../runner/support/process.ts";
import { Progress } from "../runner/support/progress.ts";
import { styled } from "../runner/support/style.ts";
import {
  type Counts,
  countCargo,
  countJunit,
  countMutants,
  countTap,
  countVitest,
  settle,
  withoutTotals,
} from "./counts.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const rexTest = join(root, "runner/cli/rex-test.js");
const logs = await ensureFolder(cachePath("logs"));
const results = (name: string) => join(logs, `test-${name}.result`);

interface Part {
  readonly title: string;
  readonly name: string;
  readonly limitMs: number;
  readonly command: () => Promise<{ readonly argv: readonly string[] } & Pick<ProcessOptions, "env" | "cwd">>;
  readonly count: (log: string) => Promise<Counts>;
}

const minute = 60_000;
const resultOf = async (name: string) =>
  (await exists(results(name))) ? await readFile(results(name), "utf8") : "";

const parts: readonly Part[] = [
  {
    title: "TypeScript unit tests",
    name: "unit",
    limitMs: 5 * minute,
    command: async () => ({
      argv: [
        "node",
        join(root, "node_modules/vitest/vitest.mjs"),
        "run",
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${results("unit")}`,
      ],
    }),
    count: async () => countVitest((await resultOf("unit")) || "{}"),
  },
  {
    title: "kernel",
    name: "kernel",
    limitMs: 60 * minute,
    command: async () => ({ argv: ["node", rexTest, "kernel", "build"] }),
    count: async () => ({ passed: 0, failed: 0 }),
  },
  {
    title: "kernel that counts what runs",
    name: "kernel-coverage",
    limitMs: 60 * minute,
    command: async () => ({ argv: ["node", rexTest, "kernel", "build", "--config", "coverage"] }),
    count: async () => ({ passed: 0, failed: 0 }),
  },
  {
    title: "Rust tests",
    name: "rust",
    limitMs: 20 * minute,
    command: async () => {
      const kernel = await findKernel();
      const env = await rustEnvironment(await requireRust(interruption));
      const argv = [
        env.CARGO ?? "cargo",
        "test",
        "--workspace",
        "--locked",
        "--no-fail-fast",
        "--target-dir",
        await ensureCargoTarget(),
      ];
      const headers = kernel === undefined ? {} : { REX_KERNEL_HEADERS: join(kernel.path, "include") };
      return { argv, env: { ...env, ...headers }, cwd: join(root, "rex-crate") };
    },
    count: async (log) => countCargo(log),
  },
  {
    title: "CLI tests",
    name: "cli",
    limitMs: 25 * minute,
    command: async () => ({
      argv: [
        "node",
        "--test",
        // Two files at least: many of these tests wait for something most of their time.
        `--test-concurrency=${Math.max(2, availableParallelism() - 1)}`,
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
        "--test-reporter=tap",
        `--test-reporter-destination=${results("cli")}`,
        "runner/cli/tests/**/*.test.ts",
      ],
    }),
    count: async () => countTap(await resultOf("cli")),
  },
  {
    title: "specs",
    name: "specs",
    limitMs: 30 * minute,
    command: async () => ({
      argv: ["node", rexTest, "run", "specs", "--reporter", "pretty", "--junit-path", results("specs")],
    }),
    count: async () => countJunit(await resultOf("specs")),
  },
  {
    title: "mutants",
    name: "mutants",
    limitMs: 15 * minute,
    command: async () => ({ argv: ["node", rexTest, "mutants", "--ci", "--json", results("mutants")] }),
    count: async () => countMutants((await resultOf("mutants")) || "{}"),
  },
];

interface Outcome extends Counts {
  readonly title: string;
  readonly durationMs: number;
  readonly remark: string;
}

async function runPart(part: Part, progress: Progress): Promise<Outcome> {
  const { title, name } = part;
  const logPath = join(logs, `test-${name}.log`);
  const started = performance.now();
  await writeFile(logPath, "");
  await rm(results(name), { force: true });
  progress.update({ what: title });
  try {
    const { argv, env, cwd } = await part.command();
    const onLine = (line: string) => progress.update({ what: title, item: line.trim() });
    const finished = await runProcess(argv[0] ?? "node", argv.slice(1), {
      cwd: cwd ?? root,
      env: { ...env, NO_COLOR: "1", FORCE_COLOR: undefined },
      signal: interruption,
      timeoutMs: part.limitMs,
      logPath,
      dieWithParent: true,
      onLine,
    });
    const exitCode = finished.ending.kind === "exited" ? finished.ending.code : exitCodes.infrastructure;
    const log = await readFile(logPath, "utf8");
    const isBuild = name.startsWith("kernel");
    const counts = await part.count(log);
    const settled = isBuild && exitCode === 0 ? { ...counts, remark: undefined } : settle(counts, exitCode);
    const remark =
      finished.ending.kind === "exited" ? (settled.remark ?? "") : describeEnding(finished.ending);
    if (settled.failed > 0) progress.note(`${withoutTotals(log).trimEnd()}\n`);
    return {
      title,
      passed: settled.passed,
      failed: settled.failed,
      durationMs: performance.now() - started,
      remark,
    };
  } catch (error) {
    progress.note(messageOf(error));
    return {
      title,
      passed: 0,
      failed: 1,
      durationMs: performance.now() - started,
      remark: "could not be started",
    };
  }
}

installSignalHandlers();
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !parts.some((part) => part.name === name));
if (unknown !== undefined) {
  console.error(
    `no part of the tests is named ${unknown}; there are: ${parts.map((part) => part.name).join(", ")}`,
  );
  process.exit(exitCodes.infrastructure);
}
const outcomes: Outcome[] = [];
{
  using progress = new Progress();
  for (const part of parts.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
    if (interruption.aborted) break;
    const outcome = await runPart(part, progress);
    outcomes.push(outcome);
    const state =
      outcome.failed > 0 ? styled("red", "FAIL", process.stderr) : styled("green", "ok  ", process.stderr);
    progress.note(`${state} ${outcome.title} (${formatDuration(outcome.durationMs)})`);
  }
}
const sum = (key: "passed" | "failed") => outcomes.reduce((total, outcome) => total + outcome[key], 0);
const rows = outcomes.map(({ title, passed, failed, durationMs, remark }) => [
  title,
  passed > 0 ? String(passed) : "",
  failed > 0 ? String(failed) : "",
  formatDuration(durationMs),
  remark,
]);
const failed = sum("failed") + (interruption.aborted ? 1 : 0);
console.log(`\n${formatTable([["", "pass", "fail", "time", ""], ...rows])}\n`);
console.log(`${sum("passed")} passed, ${failed} failed`);
process.exitCode = failed > 0 || sum("passed") === 0 ? exitCodes.failure : exitCodes.passed;
