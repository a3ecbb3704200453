// SPDX-License-Identifier: MIT
// What is kept of a test that did not pass: a folder named after it, next to those of the other tests of the run.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ExitRecord } from "../../protocol/generated.ts";
import type { GuestReport } from "../guests/guest.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { ProgramSource } from "../programs/source.ts";

export class Artifacts {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(runFolder: string, specFile: string, test: string, taskId: string): Promise<Artifacts> {
    const words = `${basename(specFile, ".spec.ts")} ${test}`.toLowerCase().match(/[a-z0-9]+/g) ?? [];
    // The id keeps apart tests whose names differ in punctuation only.
    const folder = join(
      runFolder,
      `${words.join("-").slice(0, 80)}-${taskId.replaceAll(/[^\w]+/g, "").slice(-6)}`,
    );
    await mkdir(folder, { recursive: true });
    return new Artifacts(folder);
  }

  get consoleFile(): string {
    return join(this.folder, "console.log");
  }

  async keep(details: {
    readonly outcome: Outcome;
    readonly report: GuestReport | undefined;
    readonly exits: readonly ExitRecord[];
    readonly sources: readonly ProgramSource[];
  }): Promise<void> {
    const { report, outcome, exits, sources } = details;
    const summary = { outcome, splats: report?.splats ?? [], exits, readyMs: report?.readyMs };
    await writeFile(join(this.folder, "verdict.json"), `${JSON.stringify(summary, null, 2)}\n`);
    if (report)
      await writeFile(
        join(this.folder, "qemu.sh"),
        `#!/bin/sh\n# The sockets on descriptors 3 to 5 came from the runner.\n${report.commandLine}\n`,
      );
    for (const [index, source] of sources.entries()) {
      if (source.kind === "inline")
        await writeFile(join(this.folder, `${index}-${source.name}.rs`), source.text);
      if (source.kind === "object")
        await writeFile(join(this.folder, `${index}-object.bin`), Buffer.from(source.base64, "base64"));
    }
  }

  async discard(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
