// SPDX-License-Identifier: MIT
// What a test that noticed a mutant says of the whole kernel: one that fails there too kills nothing. It is asked once for as
// long as nothing changes that it could depend on; what passed is remembered in the cache.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Kernel } from "../kernel/artifacts.ts";
import { repositoryRoot } from "../kernel/repository.ts";
import { cachePath, exists, publishFile } from "../support/cache.ts";
import type { TestReport } from "../test/reporters/reporter.ts";
import type { Observation } from "./observe.ts";

/** What a spec's verdict hangs on besides the kernel. */
const inputs = ["specs", "fixtures", "runner", "qemu", "rex-crate", "package-lock.json"];
/** Twice, because a limit may be missed on a machine that is busy with something else. */
const attempts = 2;

export type Killer = Pick<TestReport, "file" | "name">;

export class Baseline {
  readonly #path: string;
  readonly #key: string;
  readonly #passing: Set<string>;
  readonly #run: (test: Killer) => Promise<Observation>;

  private constructor(
    path: string,
    key: string,
    passing: Set<string>,
    run: (test: Killer) => Promise<Observation>,
  ) {
    this.#path = path;
    this.#key = key;
    this.#passing = passing;
    this.#run = run;
  }

  /** `run` runs one test on the whole kernel. */
  static async open(kernel: Kernel, run: (test: Killer) => Promise<Observation>): Promise<Baseline> {
    const path = cachePath("mutants", `baseline-${kernel.config}.json`);
    const key = createHash("sha256")
      .update(kernel.key)
      .update(await hashOfInputs())
      .digest("hex");
    return new Baseline(path, key, await recall(path, key), run);
  }

  /** Undefined when the test passes without a mutant, else what it says. */
  async complaint(test: Killer): Promise<string | undefined> {
    const id = `${test.file} > ${test.name}`;
    if (this.#passing.has(id)) return undefined;
    let seen: Observation | undefined;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      seen = await this.#run(test);
      if (seen.passed.length === 0 || seen.noticed.length + seen.troubles.length > 0) continue;
      this.#passing.add(id);
      await publishFile(
        this.#path,
        `${JSON.stringify({ key: this.#key, passing: [...this.#passing].sort() }, null, 1)}\n`,
      );
      return undefined;
    }
    const [outcome] = seen?.noticed.map(({ verdict }) => verdict.outcome) ?? [];
    const reason = outcome === undefined || outcome.kind === "passed" ? undefined : outcome.reason;
    return `${id} does not pass without the mutant: ${reason ?? seen?.troubles[0] ?? "it did not run"}`;
  }
}

async function recall(path: string, key: string): Promise<Set<string>> {
  if (!(await exists(path))) return new Set();
  const parsed: unknown = JSON.parse(await readFile(path, "utf8"));
  if (typeof parsed !== "object" || parsed === null || Reflect.get(parsed, "key") !== key) return new Set();
  const passing: unknown = Reflect.get(parsed, "passing");
  return new Set(Array.isArray(passing) ? passing.filter((id) => typeof id === "string") : []);
}

async function hashOfInputs(): Promise<Buffer> {
  const hash = createHash("sha256");
  for (const input of inputs) {
    const path = join(repositoryRoot, input);
    for (const file of input.includes(".") ? [path] : await filesBelow(path))
      hash.update(`${file.slice(repositoryRoot.length)}\0`).update(await readFile(file));
  }
  return hash.digest();
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name === "target" || entry.name === "node_modules" || entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) files.push(...(await filesBelow(path)));
    else if (entry.isFile()) files.push(path);
  }
  return files.sort();
}
