// SPDX-License-Identifier: MIT
// One trial: build a kernel with the mutant in it, run the specs that must notice, and say whether they did.
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildKernel } from "../kernel/build.ts";
import { repositoryRoot, sourcesFolder } from "../kernel/repository.ts";
import { cachePath, ensureFolder, temporaryBeside } from "../support/cache.ts";
import { exitCodes, RexTestError } from "../support/errors.ts";
import { describeEnding, type Finished, mustRun, runProcess, tail } from "../support/process.ts";
import type { Progress } from "../support/progress.ts";
import type { Mutant } from "./mutant.ts";

export interface Trial {
  /** Killed: a spec failed, or saw the kernel crash or hang. Survived: all specs passed. */
  readonly verdict: "killed" | "survived";
  /** The tests that noticed, as the run named them. */
  readonly noticedBy: readonly string[];
}

/** Specs that hang wait for their limits; those of one mutant take no longer than this. */
const specsLimitMs = 15 * 60_000;
/** The line of a test as it ends; its name has a " > ". */
const noticed = /^[✗☠⧖] (\S+ > .+?)(?: {2}|$)/;

export async function tryMutant(mutant: Mutant, progress: Progress, signal: AbortSignal): Promise<Trial> {
  const runtime = await ensureFolder(temporaryBeside(cachePath("build", `mutant-${mutant.name}`)));
  let kernel: string | undefined;
  try {
    await cp(sourcesFolder, runtime, { recursive: true });
    await mustRun("patch", ["--strip=1", "--batch", "--fuzz=0", `--directory=${runtime}`], {
      what: `applying the mutant ${mutant.name}`,
      hint: "the runtime has changed: bring the patch up to date",
      input: mutant.patch,
      signal,
    });
    const built = await buildKernel({ runtime, progress, signal });
    kernel = built.kernel.path;
    progress.update({ what: `${mutant.name}: running ${mutant.specs.join(" ")}` });
    return judge(mutant, await runSpecs(mutant, kernel, progress, signal));
  } finally {
    await rm(runtime, { recursive: true, force: true });
    if (kernel !== undefined) await rm(kernel, { recursive: true, force: true });
  }
}

function runSpecs(
  mutant: Mutant,
  kernel: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Finished> {
  const cli = join(repositoryRoot, "runner/cli/main.ts");
  const paths = mutant.specs.map((spec) => join("specs", spec));
  return runProcess(process.execPath, [cli, "run", ...paths, "--kernel", kernel], {
    cwd: repositoryRoot,
    env: { NO_COLOR: "1" },
    signal,
    timeoutMs: specsLimitMs,
    dieWithParent: true,
    onLine: (line) => {
      const test = noticed.exec(line)?.[1];
      if (test) progress.update({ what: `${mutant.name}: running ${mutant.specs.join(" ")}`, item: test });
    },
  });
}

function judge(mutant: Mutant, run: Finished): Trial {
  const code = run.ending.kind === "exited" ? run.ending.code : undefined;
  if (code === exitCodes.passed) return { verdict: "survived", noticedBy: [] };
  const noticedBy = run.stdout.split("\n").flatMap((line) => noticed.exec(line)?.[1] ?? []);
  const kills = code === exitCodes.failure || code === exitCodes.crash || run.ending.kind === "timedOut";
  if (kills && noticedBy.length > 0) return { verdict: "killed", noticedBy };
  throw new RexTestError(`the specs of the mutant ${mutant.name} could not be judged`, {
    where: `${run.command}: ${describeEnding(run.ending)}`,
    detail: tail(`${run.stdout}\n${run.stderr}`, 30),
  });
}
