// SPDX-License-Identifier: MIT
// A program with counters, for the tests of this folder: one object "kernel/rex/ways", compiled and run on this machine.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "../../support/process.ts";
import type { Counters } from "../counters.ts";
import { parseGcda } from "../gcda.ts";

export const source = `int odd(int n);
int odd(int n)
{
	if (n % 2)
		return 1;
	return 0;
}

int main(int argc, char **argv)
{
	int odds = 0;

	(void)argv;
	for (int n = 0; n < argc - 1; n++)
		odds += odd(n);
	return odds > 100;
}
`;

export class CountedProgram implements AsyncDisposable {
  /** With kernel/rex/ways.gcno. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async build(): Promise<CountedProgram> {
    const folder = await mkdtemp(join(tmpdir(), "rex-test-counted-"));
    const place = join(folder, "kernel/rex");
    await mkdir(place, { recursive: true });
    await writeFile(join(place, "ways.c"), source);
    const compile = [
      "-fprofile-arcs",
      "-ftest-coverage",
      "-c",
      "-o",
      "kernel/rex/ways.o",
      "kernel/rex/ways.c",
    ];
    await mustRun("gcc", compile, { what: "gcc", cwd: folder });
    await mustRun("gcc", ["--coverage", "-o", "ways", "kernel/rex/ways.o"], { what: "gcc", cwd: folder });
    return new CountedProgram(folder);
  }

  /** The bytes that one run leaves, with so many calls of `odd`. */
  async run(calls: number): Promise<Uint8Array> {
    const file = join(this.folder, "kernel/rex/ways.gcda");
    await rm(file, { force: true });
    await mustRun(join(this.folder, "ways"), Array(calls).fill("x"), {
      what: "the program",
      cwd: this.folder,
    });
    return readFile(file);
  }

  async counters(calls: number): Promise<Counters> {
    return new Map([["kernel/rex/ways", parseGcda(await this.run(calls))]]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
