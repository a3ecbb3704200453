// SPDX-License-Identifier: MIT
// `rex-test kernel`: build, list, find and remove Rex kernels.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { findKernel, listKernels } from "../../kernel/artifacts.ts";
import { buildKernel, removeBuilds } from "../../kernel/build.ts";
import type { KernelChoice } from "../../kernel/recipe.ts";
import { RexTestError } from "../../support/errors.ts";
import { formatDuration, formatTable } from "../../support/format.ts";
import { interruption } from "../../support/interruption.ts";
import { Progress } from "../../support/progress.ts";
import { dropSnapshotsOf } from "../../test/snapshots/prune.ts";

export const command = new Command("kernel").description("build, list, find and remove Rex kernels");

function withChoice(child: Command): Command {
  return child
    .option(
      "--source <debian|kernel.org|DIR>",
      "where the kernel's source comes from (default: debian where it is packaged)",
    )
    .option(
      "--config <names>",
      "config fragments over the default one, joined by commas, or paths of your own",
      "default",
    )
    .option("--version <series>", "kernel series whose hooks apply", "6.12");
}

interface BuildFlags extends KernelChoice {
  readonly jobs?: number;
}

withChoice(command.command("build"))
  .description("build a kernel with Rex in it, unless the cache has it")
  .option("--jobs <n>", "how many files to compile at once (default: one per CPU)", positiveInteger)
  .action(async (flags: BuildFlags) => {
    using progress = new Progress();
    const started = performance.now();
    const { kernel, cached } = await buildKernel({ ...flags, progress, signal: interruption });
    progress.note(
      `${kernel.name}: ${cached ? "in the cache" : `built in ${formatDuration(performance.now() - started)}`}`,
    );
    console.log(kernel.path);
  });

withChoice(command.command("path"))
  .description("print the folder of the kernel that the repository as it is now would give")
  .action(async (flags: KernelChoice) => {
    const kernel = await findKernel(flags);
    if (!kernel) {
      const config = flags.config && flags.config !== "default" ? ` --config ${flags.config}` : "";
      throw new RexTestError("this kernel has not been built yet", {
        hint: `rex-test kernel build${config}`,
      });
    }
    console.log(kernel.path);
  });

command
  .command("list")
  .description("the kernels of the cache; * marks the default one")
  .action(async () => {
    const kernels = await listKernels();
    if (kernels.length === 0) {
      console.log("no kernel has been built yet: rex-test kernel build");
      return;
    }
    const current = await findKernel().catch(() => undefined);
    const rows = kernels.map((kernel) => [
      kernel.path === current?.path ? "*" : "",
      kernel.name,
      kernel.version,
      kernel.config,
      kernel.source,
      formatDuration(kernel.builtMs),
    ]);
    console.log(formatTable([["", "name", "version", "config", "source", "built in"], ...rows]));
  });

command
  .command("clean")
  .description("remove kernels from the cache: those named, else all but the default one")
  .argument("[names...]", "names that `rex-test kernel list` shows")
  .option("--all", "also the default one, unpacked sources and build folders (ccache stays)")
  .action(async (names: string[], flags: { readonly all?: boolean }) => {
    const kernels = await listKernels();
    const unknown = names.find((name) => !kernels.some((kernel) => kernel.name === name));
    if (unknown !== undefined)
      throw new RexTestError(`no kernel is named ${JSON.stringify(unknown)}`, {
        hint: "rex-test kernel list",
      });
    const current = flags.all ? undefined : await findKernel().catch(() => undefined);
    for (const kernel of kernels) {
      const chosen = names.length > 0 ? names.includes(kernel.name) : kernel.path !== current?.path;
      if (!chosen) continue;
      await dropSnapshotsOf(join(kernel.path, "vmlinux"));
      await rm(kernel.path, { recursive: true, force: true });
      console.log(`removed ${kernel.name}`);
    }
    if (flags.all) await removeBuilds();
  });

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("a whole number from 1 on is expected");
  return value;
}
