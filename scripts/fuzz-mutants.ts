// SPDX-License-Identifier: MIT
// Does fuzzing find bugs? Breaks the runtime on purpose, a mutant at a time, and says how long a campaign takes to its first finding.
//
//     node scripts/fuzz-mutants.ts exit-location-wrong stack-low-ignored
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { runFuzz } from "../fuzz/run/run-fuzz.ts";
import { mutantsFolder } from "../runner/kernel/repository.ts";
import { type Mutant, readMutants } from "../runner/mutants/mutant.ts";
import { Workshop } from "../runner/mutants/workshop.ts";
import { installSignalHandlers, interruption } from "../runner/support/interruption.ts";
import { Progress } from "../runner/support/progress.ts";

const timeMs = 10 * 60_000;
const seed = Number(process.env["REX_TEST_SEED"] ?? 1);
const jobs = availableParallelism();

installSignalHandlers();
const mutants = await readMutants(mutantsFolder, process.argv.slice(2));
using progress = new Progress();
await using workshop = await Workshop.open({ signal: interruption, jobs, progress });
for (const mutant of mutants) if (!(await isFound(mutant))) process.exitCode = 1;

async function isFound(mutant: Mutant): Promise<boolean> {
  console.log(`${mutant.name}: ${mutant.promise}`);
  progress.update({ what: `building ${mutant.name}` });
  await using kernel = await workshop.build(mutant, await workshop.patch(mutant));
  progress.done();
  const corpus = await mkdtemp(join(tmpdir(), `rex-fuzz-${mutant.name}-`));
  const { found } = await runFuzz(
    {
      target: "programs",
      seed,
      timeMs,
      corpus,
      findingsAtMost: 1,
      say: (line) => console.log(`  ${line}`),
      image: kernel.image,
      kernelName: kernel.name,
      cwd: process.cwd(),
      jobs,
      kernel: undefined,
      config: mutant.config,
      accelerator: "auto",
      bootLimitMs: 60_000,
      signal: interruption,
    },
    progress,
  );
  if (found === 0) await rm(corpus, { recursive: true, force: true });
  return found > 0;
}
