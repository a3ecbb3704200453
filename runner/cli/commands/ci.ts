// SPDX-License-Identifier: MIT
// `rex-test ci`: what the steps of a CI job do, so that a workflow has no shell of its own. GitHub Actions gets outputs and
// groups; elsewhere they are plain lines.
import { appendFile } from "node:fs/promises";
import { Argument, Command, Option } from "commander";
import { asOutputs, cacheKeys } from "../../ci/keys.ts";
import { openKvm, thisHost } from "../../ci/kvm.ts";
import { type CiWish, needsDefaultKernel, runArguments } from "../../ci/run-arguments.ts";
import { splitWords } from "../../ci/words.ts";
import { exitCodes } from "../../support/errors.ts";
import { interruption } from "../../support/interruption.ts";

const configOption = () =>
  new Option("--config <names>", "config fragments of the kernel").env("REX_TEST_CI_CONFIG");

export const command = new Command("ci").description("the steps of a CI job");

command
  .command("keys")
  .description("print keys and folders for caches, and give them to GitHub as outputs of the step")
  .addOption(configOption())
  .action(async ({ config }: { readonly config?: string }) => {
    const outputs = asOutputs(await cacheKeys(process.cwd(), config || undefined));
    process.stdout.write(outputs);
    await output(outputs);
  });

command
  .command("setup")
  .description("let guests use KVM where there is one, and install what is missing")
  .action(async () => {
    console.log(await openKvm(await thisHost(interruption)));
    const { command: doctor } = await import("./doctor.ts");
    await grouped("what this machine needs", () =>
      doctor.exitOverride().parseAsync(["--fix", "--only-needed"], { from: "user" }),
    );
  });

command
  .command("run")
  .description("build the kernel and run specs, with all reports that CI has a use for")
  .addArgument(new Argument("[paths...]", "spec files or folders").default([], "specs"))
  .addOption(configOption())
  .addOption(
    new Option("--kernel-tree <dir>", "a kernel source tree of yours").env("REX_TEST_CI_KERNEL_TREE"),
  )
  .addOption(new Option("--shard <i/n>", "one part of the tests").env("REX_TEST_CI_SHARD"))
  .addOption(
    new Option("--arguments <text>", "further arguments of `rex-test run`").env("REX_TEST_CI_ARGUMENTS"),
  )
  .option("--reports <folder>", "where reports are written", "rex-test-report")
  .action(async (paths: readonly string[], flags: Omit<CiWish, "paths">) => {
    const wish = {
      ...flags,
      paths: paths.length > 0 ? paths : splitWords(process.env["REX_TEST_CI_PATHS"] ?? ""),
    };
    if (needsDefaultKernel(wish)) {
      const { command: kernel } = await import("./kernel.ts");
      await grouped("the kernel", () => kernel.exitOverride().parseAsync(["build"], { from: "user" }));
      if ((process.exitCode ?? exitCodes.passed) !== exitCodes.passed) return;
    }
    const { command: run, prepareArguments } = await import("./run.ts");
    await run.exitOverride().parseAsync([...prepareArguments(runArguments(wish))], { from: "user" });
    // Everything is built that caches are for, whatever became of the tests.
    if (process.exitCode !== exitCodes.infrastructure) await output("prepared=true\n");
  });

async function output(lines: string): Promise<void> {
  const file = process.env["GITHUB_OUTPUT"];
  if (file) await appendFile(file, lines);
}

/** Folded in the log of GitHub Actions. */
async function grouped(title: string, work: () => Promise<unknown>): Promise<void> {
  const isGithub = process.env["GITHUB_ACTIONS"] === "true";
  if (isGithub) console.log(`::group::${title}`);
  try {
    await work();
  } finally {
    if (isGithub) console.log("::endgroup::");
  }
}
