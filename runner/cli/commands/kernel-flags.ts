// SPDX-License-Identifier: MIT
// The flags that say which kernel a command boots and how, the same for all commands that take one.
import { type Command, Option } from "commander";
import { RexTestError } from "../../support/errors.ts";

export const bootLimitMs = 60_000;

export function kernelOption(description = "folder with the kernel to boot"): Option {
  return new Option("--kernel <folder>", `${description} (default: the Rex kernel of the cache)`).env(
    "REX_TEST_KERNEL",
  );
}

export function configOption(
  description = "boot the kernel with these config fragments, as for `kernel build`; builds it if need be",
): Option {
  return new Option("--config <names>", description);
}

export function acceleratorOption(description = "how guests run"): Option {
  return new Option("--accel <how>", description).choices(["auto", "kvm", "tcg"]).default("auto");
}

/** What the environment says gives way to what the command line says. */
export function oneKernel<T, C>(
  command: Command,
  flags: { readonly kernel?: T; readonly config?: C },
): { readonly kernel: T | undefined; readonly config: C | undefined } {
  const { kernel, config } = flags;
  if (config === undefined) return { kernel, config };
  if (command.getOptionValueSource("kernel") === "cli")
    throw new RexTestError("--kernel and --config both say which kernel", { hint: "give one of them" });
  return { kernel: undefined, config };
}
