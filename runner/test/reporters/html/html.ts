// SPDX-License-Identifier: MIT
// One self-contained page: the report as JSON and the script that shows it. Nothing in it comes from elsewhere, and nothing that a
// test, a program or a kernel said is ever part of the markup.
import { repositoryRoot } from "../../../kernel/repository.ts";
import type { Output } from "../output.ts";
import type { Reporter, RunInfo, RunSummary } from "../reporter.ts";
import { detailsOf, detailsOfBroken, rowOfBroken, rowOfIgnored, rowOfTest } from "./collect.ts";
import type { ReportData } from "./data.ts";
import { Disassembler } from "./disassembly.ts";
import { dataBlock, readPage } from "./page.ts";
import { SourceFiles, sourceRoots } from "./sources.ts";

/** Details beyond this many bytes are left out, each with a word about it: browsers read larger pages slowly or not at all. */
const mostBytes = 64 * 1024 * 1024;

export class HtmlReporter implements Reporter {
  readonly #output: Output;
  readonly #cwd: string;
  #info: RunInfo | undefined;

  constructor(output: Output, cwd: string) {
    this.#output = output;
    this.#cwd = cwd;
  }

  onStart(info: RunInfo): void {
    this.#info = info;
  }

  async onEnd(summary: RunSummary): Promise<void> {
    const page = await readPage();
    this.#output.write(page.head);
    this.#output.write(dataBlock("report", this.#data(summary)));
    await this.#writeDetails(summary);
    this.#output.write(page.tail);
    this.#output.finish();
  }

  onFatal(): void {
    this.#output.discard();
  }

  #data(summary: RunSummary): ReportData {
    const { durationMs, exitCode, interrupted, stopped, shuffleSeed } = summary;
    return {
      createdAt: new Date().toISOString(),
      kernel: this.#info?.kernel ?? "",
      machine: this.#info?.machine ?? "",
      jobs: this.#info?.jobs ?? 0,
      durationMs,
      exitCode,
      interrupted,
      stopped,
      shuffleSeed,
      tests: [
        ...summary.brokenFiles.map(rowOfBroken),
        ...summary.tests.map(rowOfTest),
        ...summary.ignored.map(rowOfIgnored),
      ],
      stray: summary.stray.map(({ message, at }) => (at === undefined ? message : `${message}\n  at ${at}`)),
    };
  }

  /** In the order of the rows, whose numbers they have. */
  async #writeDetails({ tests, brokenFiles }: RunSummary): Promise<void> {
    const collector = {
      cwd: this.#cwd,
      sources: new SourceFiles(sourceRoots(this.#cwd, repositoryRoot)),
      disassembler: new Disassembler(),
    };
    let left = mostBytes;
    for (const [index, file] of brokenFiles.entries())
      this.#output.write(dataBlock(`details-${index}`, detailsOfBroken(file)));
    for (const [index, test] of tests.entries()) {
      if (!rowOfTest(test).hasDetails || left <= 0) continue;
      const block = dataBlock(`details-${brokenFiles.length + index}`, await detailsOf(test, collector));
      left -= block.length;
      if (left > 0) this.#output.write(block);
    }
  }
}
