// SPDX-License-Identifier: MIT
// `rex-test mutants`: does a spec fail when the runtime is broken? Every mutant must be killed.
import { Command } from "commander";
import { mutantsFolder } from "../../kernel/repository.ts";
import { readMutants } from "../../mutants/mutant.ts";
import { tryMutant } from "../../mutants/trial.ts";
import { describeError, exitCodes } from "../../support/errors.ts";
import { formatTable } from "../../support/format.ts";
import { interruption } from "../../support/interruption.ts";
import { Progress } from "../../support/progress.ts";

interface MutantsFlags {
  readonly list?: boolean;
}

export const command = new Command("mutants")
  .description("break the runtime on purpose, one promise at a time, and see that the specs notice")
  .argument("[names...]", "mutants to try (default: all)")
  .option("--list", "show the mutants, try none")
  .action(async (names: string[], flags: MutantsFlags) => {
    const mutants = await readMutants(mutantsFolder, names);
    if (flags.list) {
      console.log(
        formatTable([["mutant", "breaks"], ...mutants.map(({ name, promise }) => [name, promise])]),
      );
      return;
    }
    using progress = new Progress();
    const counts = { killed: 0, survived: 0, errors: 0 };
    for (const mutant of mutants) {
      try {
        const { verdict, noticedBy } = await tryMutant(mutant, progress, interruption);
        counts[verdict] += 1;
        progress.clear();
        const by = noticedBy.length > 0 ? ` by ${noticedBy.length} (${noticedBy[0]})` : "";
        console.log(
          `${verdict === "killed" ? "✓ killed  " : "✗ SURVIVED"} ${mutant.name}: ${mutant.promise}${by}`,
        );
      } catch (error) {
        interruption.throwIfAborted();
        counts.errors += 1;
        progress.clear();
        console.log(`! error    ${mutant.name}\n${describeError(error)}`);
      }
    }
    console.log(`${counts.killed} killed, ${counts.survived} survived, ${counts.errors} could not be tried`);
    if (counts.errors > 0) process.exitCode = exitCodes.infrastructure;
    else if (counts.survived > 0) process.exitCode = exitCodes.failure;
  });
