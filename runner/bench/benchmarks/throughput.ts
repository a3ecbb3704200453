// SPDX-License-Identifier: MIT
// How many tests a minute, each on a fresh kernel: through the CLI, with all that a run does around a test.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RexTestError } from "../../support/errors.ts";
import { describeEnding, runProcess, tail } from "../../support/process.ts";
import type { Benchmark } from "../benchmark.ts";
import type { Lab } from "../lab.ts";
import type { ResultTable } from "../result.ts";
import { ratio, type Summary, summarise } from "../statistics.ts";

const launcher = fileURLToPath(new URL("../../cli/rex-test.js", import.meta.url));
const repository = fileURLToPath(new URL("../../..", import.meta.url));
const limitMs = 10 * 60_000;
const tests = 150;
/** Making the snapshot, and code of ours that runs for the first time, are not what is measured. */
const warmUp = 20;
const variants = [
  { what: "no checks after the test", options: "{ sanitizeResources: false, sanitizeTaint: false }" },
  { what: "as tests are by default", options: "{}" },
  { what: "sharing guests", options: '{ isolate: "none" }' },
];

export const throughput: Benchmark = {
  name: "throughput",
  title: "how many tests a minute?",
  run: async (lab) => {
    const jobs = availableParallelism();
    const perMinute: { readonly what: string; readonly summary: Summary }[] = [];
    for (const { what, options } of variants) {
      lab.step(what);
      const samples: number[] = [];
      while (samples.length < lab.samples(3)) samples.push(await timeRun(lab, options, jobs));
      perMinute.push({ what, summary: summarise(samples) });
    }
    const [first] = perMinute;
    const table: ResultTable = {
      title: `trivial tests, ${jobs} guests at a time, a kernel of its own for each but in the last row`,
      unit: "per minute",
      ratioTo: "a test without checks",
      rows: perMinute.map(({ what, summary }) => ({
        what,
        summary,
        ratio: ratio(summary, first?.summary ?? summary),
      })),
    };
    return [table];
  },
};

/** Tests a minute between the ends of the first ones and of the last. */
async function timeRun(lab: Lab, options: string, jobs: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "rex-test-throughput-"));
  const perFile = Math.ceil((tests + warmUp) / jobs);
  try {
    await mkdir(join(folder, "node_modules"));
    await symlink(repository, join(folder, "node_modules/rex-test"));
    for (let file = 0; file < jobs; file++)
      await writeFile(join(folder, `trivial-${file}.spec.ts`), trivialSpec(options, perFile));
    const events = join(folder, "events.jsonl");
    const args = ["run", ".", "--jobs", String(jobs), "--reporter", `jsonl=${events}`];
    const kernel = ["--kernel", lab.prepared.kernel.path];
    const finished = await runProcess(process.execPath, [launcher, ...args, ...kernel], {
      cwd: folder,
      timeoutMs: limitMs,
      signal: lab.signal,
      dieWithParent: true,
    });
    lab.signal.throwIfAborted();
    const ends = endsOfTests(await readFile(events, "utf8").catch(() => ""));
    if (ends.length !== perFile * jobs)
      throw new RexTestError(`the run ${describeEnding(finished.ending)}, and not all tests ended`, {
        where: finished.command,
        detail: tail(`${finished.stdout}\n${finished.stderr}`, 20),
      });
    const [from = 0, to = 0] = [ends[warmUp - 1], ends.at(-1)];
    return ((ends.length - warmUp) * 60_000) / (to - from);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** When tests that passed ended, ms, in order. */
function endsOfTests(events: string): readonly number[] {
  return events
    .split("\n")
    .filter((line) => line.startsWith('{"event":"test-end"'))
    .map((line): { at: number; verdict: { outcome: { kind: string } } } => JSON.parse(line))
    .filter(({ verdict }) => verdict.outcome.kind === "passed")
    .map(({ at }) => at);
}

/** One of as many files as there may be guests: the tests of a file come one after another. */
function trivialSpec(options: string, count: number): string {
  return `import { rexTest } from "rex-test";
for (let i = 0; i < ${count}; i++)
  rexTest(\`trivial \${i}\`, ${options}, async (t) => { t.expect(await t.guest.syscall("dup", 999)).toReturn("EBADF"); });
`;
}
