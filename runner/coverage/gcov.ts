// SPDX-License-Identifier: MIT
// Has gcov, which comes with the compiler, say which lines stand behind counters.
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { mustRun } from "../support/process.ts";
import type { Counters } from "./counters.ts";
import { formatGcda } from "./gcda.ts";
import type { FileCoverage } from "./lines.ts";

const gcovLimitMs = 120_000;

/** The parts of `gcov --json-format` that are read here. */
interface GcovOutput {
  readonly files: readonly GcovFile[];
}

interface GcovFile {
  readonly file: string;
  readonly functions: readonly {
    readonly name: string;
    readonly start_line: number;
    readonly execution_count: number;
  }[];
  readonly lines: readonly {
    readonly line_number: number;
    readonly count: number;
    readonly branches: readonly { readonly count: number }[];
  }[];
}

export interface Notes {
  /** Folder with the .gcno of each object, by the object's name. */
  readonly folder: string;
  /** Files to be told of, as in the kernel tree. Code of other headers is in every object and nobody's here. */
  readonly sources: readonly string[];
}

/** By path. Sources without any code are left out. */
export async function coverageByLine(counters: Counters, notes: Notes): Promise<readonly FileCoverage[]> {
  const folder = await mkdtemp(join(tmpdir(), "rex-test-gcov-"));
  try {
    const names: string[] = [];
    for (const [object, counted] of counters) {
      const name = basename(object);
      await symlink(join(notes.folder, `${object}.gcno`), join(folder, `${name}.gcno`));
      await writeFile(join(folder, `${name}.gcda`), formatGcda(counted));
      names.push(`${name}.gcda`);
    }
    const finished = await mustRun(
      "gcov",
      ["--json-format", "--stdout", "--branch-probabilities", "--branch-counts", ...names],
      {
        what: "gcov",
        cwd: folder,
        env: { LC_ALL: "C" },
        timeoutMs: gcovLimitMs,
        dieWithParent: true,
        hint: "it is a part of gcc: rex-test doctor --fix",
      },
    );
    // An object's answer is a line.
    const outputs = finished.stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as GcovOutput);
    return joinFiles(outputs, notes.sources);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What several objects say of one header is one file's. */
export function joinFiles(
  outputs: readonly GcovOutput[],
  sources: readonly string[],
): readonly FileCoverage[] {
  const files = new Map<string, FileBuilder>();
  for (const file of outputs.flatMap((output) => output.files)) {
    const path = sources.find((source) => file.file === source || file.file.endsWith(`/${source}`));
    if (path === undefined) continue;
    const builder = files.get(path) ?? new FileBuilder(path);
    files.set(path, builder);
    builder.add(file);
  }
  return [...files.values()].map((builder) => builder.build()).sort((a, b) => (a.path < b.path ? -1 : 1));
}

class FileBuilder {
  readonly #path: string;
  readonly #lines = new Map<number, number>();
  readonly #branches = new Map<number, number[]>();
  readonly #functions = new Map<string, { name: string; line: number; calls: number }>();

  constructor(path: string) {
    this.#path = path;
  }

  add({ lines, functions }: GcovFile): void {
    for (const { line_number: line, count, branches } of lines) {
      this.#lines.set(line, (this.#lines.get(line) ?? 0) + count);
      if (branches.length === 0) continue;
      const known = this.#branches.get(line) ?? [];
      for (const [index, { count: taken }] of branches.entries()) known[index] = (known[index] ?? 0) + taken;
      this.#branches.set(line, known);
    }
    for (const { name, start_line: line, execution_count: calls } of functions) {
      const known = this.#functions.get(`${line} ${name}`);
      if (known) known.calls += calls;
      else this.#functions.set(`${line} ${name}`, { name, line, calls });
    }
  }

  build(): FileCoverage {
    return {
      path: this.#path,
      lines: new Map([...this.#lines].sort(([a], [b]) => a - b)),
      branches: new Map([...this.#branches].sort(([a], [b]) => a - b)),
      functions: [...this.#functions.values()].sort((a, b) => a.line - b.line),
    };
  }
}
