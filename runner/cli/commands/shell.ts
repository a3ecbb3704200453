// SPDX-License-Identifier: MIT
// `rex-test shell`: a guest with the agent in it, and a prompt on this terminal.
import { Command, InvalidArgumentError, Option } from "commander";
import type { AcceleratorWish } from "../../../qemu/probes.ts";
import { openShell } from "../../shell/shell.ts";
import { exitCodes } from "../../support/errors.ts";
import { interruption } from "../../support/interruption.ts";
import { Progress } from "../../support/progress.ts";
import type { GuestWay } from "../../test/guests/guest.ts";
import { acceleratorOption, configOption, kernelOption, oneKernel } from "./kernel-flags.ts";

interface ShellFlags {
  readonly program: readonly string[];
  readonly kernel?: string;
  readonly config?: string;
  readonly cpus: number;
  readonly memory: number;
  readonly parameter: readonly string[];
  readonly accel: AcceleratorWish;
  readonly guests: GuestWay;
  readonly bootTimeout: number;
}

export const command = new Command("shell")
  .description(
    "a guest of your own: this machine's tools on the kernel under test, with a prompt on this terminal",
  )
  .option(
    "--program <file>",
    "load this program and attach it first: a .rs file, a cargo project, or a .rex object; may be given several times",
    several,
    [],
  )
  .addOption(kernelOption())
  .addOption(configOption())
  .option("--cpus <n>", "CPUs of the guest", between(1, 16), 1)
  .option("--memory <MiB>", "its memory", between(64, 8192), 256)
  .option("--parameter <word>", "added to the kernel's command line; may be given several times", several, [])
  .addOption(acceleratorOption("how it runs"))
  .addOption(
    new Option("--guests <how>", "clone one that was booted, or boot it")
      .choices(["clone", "boot"])
      .default("clone"),
  )
  .option("--boot-timeout <ms>", "limit of its start", between(1, 3_600_000), 30_000)
  .action(async (flags: ShellFlags, self: Command) => {
    const wish = oneKernel(self, flags);
    using progress = new Progress();
    const end = await openShell(
      {
        cwd: process.cwd(),
        jobs: 1,
        ...wish,
        accelerator: flags.accel,
        guests: flags.guests,
        bootLimitMs: flags.bootTimeout,
        cpus: flags.cpus,
        memoryMiB: flags.memory,
        kernelParameters: flags.parameter,
        programs: flags.program,
        signal: interruption,
        input: process.stdin,
        output: process.stdout,
      },
      progress,
    );
    if (end.kind === "left") return;
    console.error(`\nthe guest is over: ${end.verdict.reason}`);
    process.exitCode = end.verdict.kind === "kernel-crashed" ? exitCodes.crash : exitCodes.infrastructure;
  });

function several(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

function between(lowest: number, highest: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (Number.isInteger(number) && number >= lowest && number <= highest) return number;
    throw new InvalidArgumentError(`a whole number from ${lowest} to ${highest}`);
  };
}
