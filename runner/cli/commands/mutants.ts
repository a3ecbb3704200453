// SPDX-License-Identifier: MIT
// `rex-test mutants`: does a spec fail when the runtime is broken? Every mutant must be killed.
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { mutantsFolder } from "../../kernel/repository.ts";
import { runCampaign } from "../../mutants/campaign.ts";
import { readCiNames, readMutants, takeShard } from "../../mutants/mutant.ts";
import { counts, countsText, trialLine, trialTable, writeReport } from "../../mutants/report.ts";
import type { Trial } from "../../mutants/trial.ts";
import { exitCodes, RexTestError } from "../../support/errors.ts";
import { formatTable } from "../../support/format.ts";
import { interruption } from "../../support/interruption.ts";
import { Progress } from "../../support/progress.ts";
import { atLeastOne } from "./run-flags.ts";

interface Shard {
  readonly index: number;
  readonly count: number;
}

interface MutantsFlags {
  readonly list?: boolean;
  readonly ci?: boolean;
  readonly jobs: number;
  readonly shard?: Shard;
  readonly json?: string;
}

export const command = new Command("mutants")
  .description("break the runtime on purpose, one promise at a time, and see that the specs notice")
  .argument("[names...]", "mutants to try (default: all)")
  .option("--list", "show the mutants, try none")
  .option("--ci", "the handful of kernel/mutants/ci.txt")
  .option("--jobs <n>", "guests and compilers at a time", atLeastOne, availableParallelism())
  .option("--shard <i/n>", "every n-th mutant, from the i-th on", parseShard)
  .option("--json <file>", "write what became of each mutant into a file too")
  .addHelpText(
    "after",
    `
Exit codes: 0 all were killed, 1 one survived, 2 nothing is known about one.
docs/mutants.md says what a mutant is and how its verdict is reached.
`,
  )
  .action(async (names: string[], flags: MutantsFlags) => {
    if (flags.ci && names.length > 0)
      throw new RexTestError("--ci and names both say which mutants", { hint: "give one of them" });
    // Another folder, so that tests of this command can have mutants of their own.
    const folder = process.env["REX_TEST_MUTANTS"] ?? mutantsFolder;
    const chosen = await readMutants(folder, flags.ci ? await readCiNames(folder) : names);
    const mutants = flags.shard ? takeShard(chosen, flags.shard.index, flags.shard.count) : chosen;
    if (flags.list) {
      console.log(
        formatTable([["mutant", "breaks"], ...mutants.map(({ name, promise }) => [name, promise])]),
      );
      return;
    }
    await tryAll(mutants, flags);
  });

async function tryAll(mutants: Parameters<typeof runCampaign>[0], flags: MutantsFlags): Promise<void> {
  using progress = new Progress();
  const startedAt = performance.now();
  const trials: Trial[] = [];
  const onTrial = (trial: Trial) => {
    trials.push(trial);
    progress.clear();
    console.log(trialLine(trial));
  };
  await runCampaign(mutants, { jobs: flags.jobs, progress, signal: interruption, onTrial });
  progress.clear();
  const totalMs = Math.round(performance.now() - startedAt);
  if (trials.length > 1) console.log(`\n${trialTable(trials)}\n`);
  console.log(countsText(trials, totalMs));
  if (flags.json !== undefined) await writeReport(resolve(flags.json), trials, totalMs);
  const { survived, error } = counts(trials);
  if (survived > 0) process.exitCode = exitCodes.failure;
  else if (error > 0 || trials.length === 0) process.exitCode = exitCodes.infrastructure;
  else process.exitCode = exitCodes.passed; // vitest has an opinion about it
}

function parseShard(value: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(value) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.index <= shard.count) return shard;
  throw new InvalidArgumentError("write it as 1/4 … 4/4");
}
