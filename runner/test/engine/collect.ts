// SPDX-License-Identifier: MIT
// Reads and loads all specs before anything is prepared: their programs, their tests, and those that are no specs.
import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { describeError } from "../../support/errors.ts";
import { type ExtractedProgram, extractPrograms } from "../collect/extract-programs.ts";
import { findSpecs } from "../collect/find-specs.ts";
import type { WorkerSettings } from "../host/protocol.ts";
import type { BrokenFile } from "../reporters/reporter.ts";
import { brokenFileOf } from "./ledger.ts";
import { makePlan, type Plan, testsToRun } from "./plan.ts";
import type { RunSettings } from "./settings.ts";
import { VitestEngine } from "./vitest-engine.ts";

export interface Collected {
  readonly engine: VitestEngine;
  readonly plan: Plan;
  /** Of the files that have tests to run. */
  readonly programs: readonly ExtractedProgram[];
}

/** The engine is the caller's to dispose of. */
export async function collect(settings: RunSettings): Promise<Collected> {
  const { cwd } = settings;
  const read = await readSpecs(await specFiles(settings), cwd);
  const engine = await openEngine(settings, read.files.length);
  try {
    const { modules, deaths } =
      read.files.length === 0
        ? { modules: [], deaths: [] }
        : await engine.collect(read.files, workerForCollecting(settings));
    const notLoaded = deaths.flatMap(({ files, outcome }) =>
      files.map(
        (file): BrokenFile => ({ file: relative(cwd, file), message: outcome.reason, phase: "load" }),
      ),
    );
    const plan = makePlan(modules, settings.selection ?? {}, cwd, (module) => brokenFileOf(module, cwd));
    const running = testsToRun(plan);
    return {
      engine,
      plan: { ...plan, brokenFiles: [...read.brokenFiles, ...notLoaded, ...plan.brokenFiles] },
      programs: read.programs.filter(({ origin }) => running.has(origin.file)),
    };
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

/** When only some tests are wanted, and they are known by their files, others need not even be loaded. */
async function specFiles({ paths, cwd, selection }: RunSettings): Promise<readonly string[]> {
  const found = await findSpecs(paths, cwd);
  const among = selection?.among;
  if (among === undefined) return found;
  const files = new Set(among.map(({ file }) => file));
  return found.filter((file) => files.has(relative(cwd, file)));
}

interface ReadSpecs {
  readonly files: readonly string[];
  readonly programs: readonly ExtractedProgram[];
  readonly brokenFiles: readonly BrokenFile[];
}

/** The programs of the files, and those that are not TypeScript. */
export async function readSpecs(files: readonly string[], cwd: string): Promise<ReadSpecs> {
  const readable: string[] = [];
  const programs: ExtractedProgram[] = [];
  const brokenFiles: BrokenFile[] = [];
  for (const file of files) {
    const extraction = extractPrograms(file, await readFile(file, "utf8"));
    if (extraction.ok) {
      readable.push(file);
      programs.push(...extraction.programs);
    } else {
      brokenFiles.push({ file: relative(cwd, file), message: describeError(extraction.error) });
    }
  }
  return { files: readable, programs, brokenFiles };
}

function openEngine(settings: RunSettings, files: number): Promise<VitestEngine> {
  const { cwd, jobs, retry = 0, shuffleSeed, updateSnapshots, ci, timeoutMs } = settings;
  return VitestEngine.open({
    root: cwd,
    jobs,
    workers: Math.min(jobs, files),
    retry,
    shuffleSeed,
    snapshots: updateSnapshots ? "all" : ci ? "none" : "new",
    hookTimeoutMs: timeoutMs,
  });
}

/** Nothing runs, so nobody connects. */
function workerForCollecting(settings: RunSettings): WorkerSettings {
  return {
    socketName: "",
    token: "",
    artifactsFolder: "",
    kernel: { name: "", path: "", options: {} },
    namedKernels: {},
    ...commonWorkerSettings(settings),
  };
}

export function commonWorkerSettings(settings: RunSettings) {
  const { cwd, timeoutMs, repeats = 0, isolate = "test", ci = false, traceLeaks, patience, pause } = settings;
  return {
    projectRoot: cwd,
    defaultTimeoutMs: timeoutMs,
    repeats,
    isolate,
    forbidOnly: ci,
    traceLeaks,
    patience,
    pauseOnFailure: pause !== undefined,
  };
}
