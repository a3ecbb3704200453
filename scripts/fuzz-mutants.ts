// SPDX-License-Identifier: MIT
// Does fuzzing find bugs? Breaks the runtime on purpose, a mutant at a time, fuzzes it until the first finding, and runs the spec that was
// written of it: it must fail on the mutant, and pass without it. At the end, the table that docs/fuzzing.md has.
//
//     node scripts/fuzz-mutants.ts                                                     # a dozen that break different promises
//     node scripts/fuzz-mutants.ts cleanup-order-reversed loader:map-kept-on-refusal
import { mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type FuzzResult, runFuzz } from "../fuzz/run/run-fuzz.ts";
import { type CampaignState, type FoundThing, wholeCampaign } from "../fuzz/run/state.ts";
import type { Target } from "../fuzz/run/target.ts";
import { findTarget, targets } from "../fuzz/run/targets.ts";
import { Teller } from "../fuzz/run/teller.ts";
import { mutantsFolder } from "../runner/kernel/repository.ts";
import { type Mutant, readMutants } from "../runner/mutants/mutant.ts";
import { type MutantKernel, Workshop } from "../runner/mutants/workshop.ts";
import { formatDuration } from "../runner/support/format.ts";
import { installSignalHandlers, interruption } from "../runner/support/interruption.ts";
import { describeEnding, runProcess } from "../runner/support/process.ts";
import { Progress } from "../runner/support/progress.ts";

const timeMs = 10 * 60_000;
const passed = describeEnding({ kind: "exited", code: 0 });
const specLimitMs = 5 * 60_000;
const seed = Number(process.env["REX_TEST_SEED"] ?? 1);
const jobs = availableParallelism();
const launcher = fileURLToPath(new URL("../runner/cli/rex-test.js", import.meta.url));

/** Each breaks another promise. */
const dozen = [
  "cleanup-order-reversed",
  "exit-location-wrong",
  "limit-halved",
  "watchdog-off",
  "table-overflow-unchecked",
  "lock-not-released",
  "lock-write-back-lost",
  "nested-panic-returns",
  "late-acquisition-kept",
  "stack-low-ignored",
  "xdp-data-end-wrong",
  "loader:map-kept-on-refusal",
];

installSignalHandlers();
const given = process.argv.slice(2);
const wishes = (given.length > 0 ? given : dozen).map((argument) => {
  const [name = "", target = targets[0].name] = argument.split(":").reverse();
  return { name, target: findTarget(target) ?? fail(`there is no target ${target}`) };
});
const mutants = await readMutants(
  mutantsFolder,
  wishes.map(({ name }) => name),
);
const rows: string[] = [];
using progress = new Progress();
await using workshop = await Workshop.open({ signal: interruption, jobs, progress });
for (const { name, target } of wishes) {
  const mutant = mutants.find((known) => known.name === name) ?? fail(`there is no mutant ${name}`);
  const row = await tryMutant(mutant, target);
  rows.push(row);
  // Whoever does not wait for the end has it already.
  console.log(`${row}\n`);
}
console.log(`\nseed ${seed}, ${jobs} jobs, load ${loadavg()[0]?.toFixed(1)} at the end\n`);
console.log(
  "| mutant | oracle and title | seen after | traced, shrunk, confirmed after | lines of the program | its spec |",
);
console.log(`| --- | --- | --- | --- | --- | --- |\n${rows.join("\n")}`);

/** A row of the table. */
async function tryMutant(mutant: Mutant, target: Target): Promise<string> {
  console.log(`${mutant.name}: ${mutant.promise}`);
  progress.update({ what: `building ${mutant.name}` });
  await using kernel = await workshop.build(mutant, await workshop.patch(mutant));
  progress.done();
  const label = target === targets[0] ? `\`${mutant.name}\`` : `\`${target.name}:${mutant.name}\``;
  // Below the repository, where specs find "rex-test".
  const corpus = join("artifacts", "fuzz-mutants", `${target.name}-${mutant.name}`);
  await rm(corpus, { recursive: true, force: true });
  const { files, kernelFolder } = await fuzz(mutant, target, kernel, corpus);
  const state = JSON.parse(await readFile(join(corpus, stateFile(mutant)), "utf8")) as CampaignState;
  const [file, [found]] = [files[0], state.findings];
  if (file === undefined || found === undefined) {
    process.exitCode = 1;
    return `| ${label} | not found in ${formatDuration(state.elapsedMs)} | | | | |`;
  }
  const spec = await trySpec(file, kernel, kernelFolder);
  if (!spec.isRight) process.exitCode = 1;
  const times = `${formatDuration(found.afterMs)} | ${formatDuration(found.tracedMs)}`;
  return `| ${label} | ${found.key} | ${times} | ${linesOf(found, target)} | ${spec.words} |`;
}

function stateFile({ config }: Mutant): string {
  return `campaign-${seed}${config === "default" ? "" : `-${config}`}.json`;
}

function linesOf({ input = "" }: FoundThing, target: Target): string {
  if (target === targets[0]) return String(input.split("\n").length);
  return target.name === "loader" ? "an object of its seed" : "";
}

async function trySpec(
  file: string,
  kernel: MutantKernel,
  kernelFolder: string,
): Promise<{ readonly isRight: boolean; readonly words: string }> {
  const broken = await mkdtemp(join(tmpdir(), "rex-mutant-"));
  try {
    for (const name of await readdir(kernelFolder))
      if (name !== "vmlinux") await symlink(join(kernelFolder, name), join(broken, name));
    await symlink(kernel.image, join(broken, "vmlinux"));
    const onMutant = await runSpec(file, broken);
    const onWhole = await runSpec(file, kernelFolder);
    console.log(`  its spec: ${onMutant} on the mutant, ${onWhole} without it`);
    const [fails, passes] = [onMutant !== passed, onWhole === passed];
    const words = `${fails ? "fails" : "PASSES"}, ${passes ? "passes" : "FAILS"} without`;
    return { isRight: fails && passes, words };
  } finally {
    await rm(broken, { recursive: true, force: true });
  }
}

async function fuzz(
  mutant: Mutant,
  target: Target,
  kernel: MutantKernel,
  corpus: string,
): Promise<FuzzResult> {
  using teller = new Teller(target, progress);
  return await runFuzz(
    {
      target,
      seed,
      shard: wholeCampaign,
      timeMs,
      corpus,
      findingsAtMost: 1,
      kernels: [{ config: mutant.config, image: kernel.image, name: kernel.name }],
      cwd: process.cwd(),
      jobs,
      accelerator: "auto",
      bootLimitMs: 60_000,
      signal: interruption,
    },
    teller,
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

function fail(message: string): never {
  throw new Error(message);
}
