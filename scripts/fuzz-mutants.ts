// SPDX-License-Identifier: MIT
// Does fuzzing find bugs? Breaks the runtime on purpose, a mutant at a time, fuzzes it until the first finding, and runs the spec that was
// written of it: it must fail on the mutant, and pass without it.
//
//     node scripts/fuzz-mutants.ts cleanup-order-reversed loader:map-kept-on-refusal
import { mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type FuzzResult, runFuzz, type TargetName } from "../fuzz/run/run-fuzz.ts";
import { mutantsFolder } from "../runner/kernel/repository.ts";
import { type Mutant, readMutants } from "../runner/mutants/mutant.ts";
import { type MutantKernel, Workshop } from "../runner/mutants/workshop.ts";
import { installSignalHandlers, interruption } from "../runner/support/interruption.ts";
import { describeEnding, runProcess } from "../runner/support/process.ts";
import { Progress } from "../runner/support/progress.ts";

const timeMs = 10 * 60_000;
const passed = describeEnding({ kind: "exited", code: 0 });
const specLimitMs = 5 * 60_000;
const seed = Number(process.env["REX_TEST_SEED"] ?? 1);
const jobs = availableParallelism();
const launcher = fileURLToPath(new URL("../runner/cli/rex-test.js", import.meta.url));

installSignalHandlers();
const wishes = process.argv.slice(2).map((argument) => argument.split(":"));
using progress = new Progress();
await using workshop = await Workshop.open({ signal: interruption, jobs, progress });
for (const parts of wishes) {
  const [target, name = ""] = parts.length > 1 ? parts : ["programs", ...parts];
  const [mutant] = await readMutants(mutantsFolder, [name]);
  if (mutant === undefined || !(await isFound(mutant, target === "loader" ? target : "programs")))
    process.exitCode = 1;
}

async function isFound(mutant: Mutant, target: TargetName): Promise<boolean> {
  console.log(`${mutant.name}: ${mutant.promise}`);
  progress.update({ what: `building ${mutant.name}` });
  await using kernel = await workshop.build(mutant, await workshop.patch(mutant));
  progress.done();
  // Below the repository, where specs find "rex-test".
  const corpus = join("artifacts", "fuzz-mutants", mutant.name);
  await rm(corpus, { recursive: true, force: true });
  const { files, kernelFolder } = await fuzz(mutant, target, kernel, corpus);
  const [file] = files;
  if (file === undefined) return false;
  const broken = await mkdtemp(join(tmpdir(), "rex-mutant-"));
  try {
    for (const name of await readdir(kernelFolder))
      if (name !== "vmlinux") await symlink(join(kernelFolder, name), join(broken, name));
    await symlink(kernel.image, join(broken, "vmlinux"));
    const onMutant = await runSpec(file, broken);
    const onWhole = await runSpec(file, kernelFolder);
    console.log(`  its spec: ${onMutant} on the mutant, ${onWhole} without it`);
    return onMutant !== passed && onWhole === passed;
  } finally {
    await rm(broken, { recursive: true, force: true });
  }
}

function fuzz(mutant: Mutant, target: TargetName, kernel: MutantKernel, corpus: string): Promise<FuzzResult> {
  return runFuzz(
    {
      target,
      seed,
      timeMs,
      corpus,
      findingsAtMost: 1,
      say: (line) => {
        progress.clear();
        console.log(`  ${line}`);
      },
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
}

async function runSpec(file: string, kernel: string): Promise<string> {
  const { ending } = await runProcess(process.execPath, [launcher, "run", file, "--kernel", kernel], {
    timeoutMs: specLimitMs,
    signal: interruption,
    dieWithParent: true,
  });
  return describeEnding(ending);
}
