// SPDX-License-Identifier: MIT
// Failures that can be run again: each leaves a failure.json in its artifacts folder with the settings of its run, under the id
// that the reports print.
import { mkdirSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Accelerator } from "../../../qemu/machine.ts";
import { errnoOf, RexTestError } from "../../support/errors.ts";
import type { GuestWish } from "../guests/guest.ts";
import type { OutcomeKind } from "../outcome/outcome.ts";
import type { TestReport } from "../reporters/reporter.ts";
import { artifactsRoot } from "./artifacts-folder.ts";
import type { Prepared } from "./prepare.ts";
import type { RunSettings } from "./settings.ts";

const fileName = "failure.json";
const version = 1;
/** What of a run's settings has a say in what becomes of one test. */
export interface FailureSettings
  extends Pick<
    RunSettings,
    "cwd" | "config" | "guests" | "timeoutMs" | "bootLimitMs" | "shuffleSeed" | "traceLeaks"
  > {
  /** Folder of the kernel that the guests ran. */
  readonly kernel: string;
  readonly accelerator: Accelerator;
}

export interface FailureRecord extends Pick<TestReport, "file" | "name"> {
  readonly version: number;
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly outcome: OutcomeKind;
  readonly reason: string;
  readonly guest?: GuestWish | undefined;
  readonly settings: FailureSettings;
}

export interface FoundFailure extends FailureRecord {
  /** Its artifacts. */
  readonly folder: string;
}

export function settingsOfFailures(settings: RunSettings, prepared: Prepared): FailureSettings {
  const { cwd, config, guests, timeoutMs, bootLimitMs, shuffleSeed, traceLeaks } = settings;
  const kept = { cwd, config, guests, timeoutMs, bootLimitMs, shuffleSeed, traceLeaks };
  return { ...kept, kernel: prepared.kernel.path, accelerator: prepared.guests.accelerator };
}

/** Writes the failures of a run down as they come. */
export class FailureLog {
  readonly #runFolder: string;
  readonly #settings: FailureSettings;

  constructor(runFolder: string, settings: FailureSettings) {
    this.#runFolder = runFolder;
    this.#settings = settings;
  }

  add({ id, file, name, verdict }: TestReport): void {
    const { outcome, failure } = verdict;
    if (id === undefined || outcome.kind === "passed") return;
    const { kind, reason } = outcome;
    const at = new Date().toISOString();
    const settings = this.#settings;
    const guest = failure?.guest;
    const record = { version, id, at, file, name, outcome: kind, reason, guest, settings };
    // Of a test that got no guest nothing else was kept.
    const folder = failure?.artifacts ?? join(this.#runFolder, id);
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, fileName), `${JSON.stringify(record, null, 2)}\n`);
    } catch {
      // A full disk must not cost the results of the run; without the record only `rerun` has nothing to go by.
    }
  }
}

/** The failures whose artifacts are still there, the newest first. */
export async function recentFailures(cwd: string): Promise<readonly FoundFailure[]> {
  const root = artifactsRoot(cwd);
  const found: FoundFailure[] = [];
  for (const run of await foldersIn(root)) {
    for (const test of await foldersIn(join(root, run))) {
      const folder = join(root, run, test);
      const record = await readRecord(folder);
      if (record) found.push({ ...record, folder });
    }
  }
  return found.sort((a, b) => b.at.localeCompare(a.at));
}

/** The failure whose id begins so. */
export async function findFailure(cwd: string, id: string): Promise<FoundFailure> {
  const all = await recentFailures(cwd);
  const [match, another] = all.filter((failure) => failure.id.startsWith(id));
  if (match === undefined) {
    throw new RexTestError(`no failure with the id ${id} is known here`, {
      where: artifactsRoot(cwd),
      hint: "rex-test rerun lists those that are; the artifacts of the ten newest runs stay",
    });
  }
  if (another !== undefined) throw new RexTestError(`several failures have ids that begin with ${id}`);
  return match;
}

async function foldersIn(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function readRecord(folder: string): Promise<FailureRecord | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(folder, fileName), "utf8"));
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined; // none, or one that was being written when its process was killed
  }
}

/** Written by this version of ourselves, so that the version vouches for the rest. */
function isRecord(value: unknown): value is FailureRecord {
  return (
    typeof value === "object" &&
    value !== null &&
    Reflect.get(value, "version") === version &&
    ["id", "at", "file", "name", "reason"].every((key) => typeof Reflect.get(value, key) === "string")
  );
}
