// SPDX-License-Identifier: MIT
// What is kept of a test that did not pass: a folder named after it, next to those of the other tests of the run.
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ExitRecord } from "../../protocol/generated.ts";
import { messageOf } from "../../support/errors.ts";
import type { GuestReport } from "../guests/guest.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { KeptProgram } from "../outcome/verdict.ts";
import type { CompileResult } from "../programs/compiler.ts";
import { type ProgramSource, sourceId } from "../programs/source.ts";

type Built = Extract<CompileResult, { ok: true }>;

/** A program that a test loaded or compiled. */
export interface UsedProgram {
  readonly source: ProgramSource;
  /** Absent when it did not build, or came as an object. */
  readonly built?: Built | undefined;
}

/** A test may load programs in a loop; the first ones tell enough. */
const mostPrograms = 50;

/** The programs of a test, each once. */
export class UsedPrograms {
  readonly #programs = new Map<string, UsedProgram>();

  get all(): readonly UsedProgram[] {
    return [...this.#programs.values()];
  }

  add(source: ProgramSource, result?: CompileResult): void {
    const id = source.kind === "object" ? source.base64 : sourceId(source);
    if (!this.#programs.has(id) && this.#programs.size >= mostPrograms) return;
    if (result?.ok || !this.#programs.has(id))
      this.#programs.set(id, { source, built: result?.ok ? result : undefined });
  }
}

export class Artifacts {
  readonly folder: string;
  #trouble: string | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Why something is missing among what was to be kept. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  static async create(
    runFolder: string,
    test: {
      readonly specFile: string;
      readonly name: string;
      readonly taskId: string;
      readonly attempt: number;
    },
  ): Promise<Artifacts> {
    const { specFile, name, taskId, attempt } = test;
    const words = `${basename(specFile, ".spec.ts")} ${name}`.toLowerCase().match(/[a-z0-9]+/g) ?? [];
    // The id keeps apart tests whose names differ in punctuation only.
    const id = taskId.replaceAll(/[^\w]+/g, "").slice(-6);
    const again = attempt === 1 ? "" : `-attempt-${attempt}`;
    const folder = join(runFolder, `${words.join("-").slice(0, 80)}-${id}${again}`);
    const artifacts = new Artifacts(folder);
    await artifacts.#try(() => mkdir(folder, { recursive: true }));
    return artifacts;
  }

  get consoleFile(): string {
    return join(this.folder, "console.log");
  }

  /** Writes everything down; returns where the programs are. */
  async keep(details: {
    readonly outcome: Outcome;
    readonly report: GuestReport | undefined;
    readonly exits: readonly ExitRecord[];
    readonly programs: readonly UsedProgram[];
  }): Promise<readonly KeptProgram[]> {
    const { report, outcome, exits } = details;
    const programs: KeptProgram[] = [];
    for (const [index, program] of details.programs.entries())
      programs.push(await this.#keepProgram(program, index));
    const { splats = [], readyMs } = report ?? {};
    await this.#write("verdict.json", `${JSON.stringify({ outcome, splats, exits, readyMs }, null, 2)}\n`);
    if (report) {
      const comment = "# The sockets on descriptors 3 to 5 came from the runner.";
      await this.#write("qemu.sh", `#!/bin/sh\n${comment}\n${report.commandLine}\n`);
      await this.#write("qmp.log", (report.qmpLog ?? []).map((line) => `${line}\n`).join(""));
    }
    return programs;
  }

  async #keepProgram({ source, built }: UsedProgram, index: number): Promise<KeptProgram> {
    const stem = `${index}-${source.name.replaceAll(/[^\w.-]+/g, "_")}`;
    return {
      name: source.name,
      source: await this.#keepSource(source, stem),
      object:
        source.kind === "object"
          ? await this.#write(`${stem}.rex`, Buffer.from(source.base64, "base64"))
          : built && (await this.#copy(built.object, `${stem}.rex`)),
      debug: built?.debug && (await this.#copy(built.debug, `${stem}.debug`)),
    };
  }

  async #keepSource(source: ProgramSource, stem: string): Promise<string | undefined> {
    if (source.kind === "inline") return this.#write(`${stem}.rs`, source.text);
    if (source.kind === "object") return undefined;
    // A fixture is one file, or a cargo project of which the main file says most.
    const main = source.path.endsWith(".rs") ? source.path : join(source.path, "src", "main.rs");
    return this.#copy(main, `${stem}.rs`);
  }

  async #write(name: string, contents: string | Uint8Array): Promise<string | undefined> {
    const path = join(this.folder, name);
    if (await this.#try(() => writeFile(path, contents))) return path;
    // Half of it would only mislead.
    await rm(path, { force: true }).catch(() => undefined);
    return undefined;
  }

  /** A full disk costs what was to be kept, and not the outcome of the test. */
  async #try(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#trouble ??= messageOf(error);
      return false;
    }
  }

  /** What is gone, or never was, can't be kept; the failure itself is what matters. */
  async #copy(from: string, name: string): Promise<string | undefined> {
    const path = join(this.folder, name);
    return copyFile(from, path).then(
      () => path,
      () => undefined,
    );
  }

  /** Of a test that passed nothing is kept but what it attached. */
  async discard(hasAttachments: boolean): Promise<void> {
    await this.#try(() =>
      rm(hasAttachments ? this.consoleFile : this.folder, { recursive: true, force: true }),
    );
  }
}
