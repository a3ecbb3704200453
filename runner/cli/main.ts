// SPDX-License-Identifier: MIT
// The command table of `rex-test`. A command's module is loaded only when it is called, so that `rex-test kernel path`
// does not pay for the test framework.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Command, CommanderError } from "commander";
import { describeError, exitCodes, RexTestError } from "../support/errors.ts";
import { installSignalHandlers, interruption } from "../support/interruption.ts";
import { isOutputClosed } from "../support/standard-output.ts";

interface CommandModule {
  readonly command: Command;
  /** What the command makes of its arguments before they are parsed. */
  readonly prepareArguments?: (argv: readonly string[]) => readonly string[];
}

interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** About Rex itself. The npm package comes without them: it has neither Rex's own specs nor its mutants, nor what fuzzes it. */
const ofTheRepository = new Set(["mutants", "fuzz", "bench"]);

const everyCommand: Readonly<Record<string, CommandEntry>> = {
  run: { summary: "run specs on kernels of their own", load: () => import("./commands/run.ts") },
  init: {
    summary: "make a new project: a program, specs that test it, a workflow",
    load: () => import("./commands/init.ts"),
  },
  rerun: {
    summary: "run a test that failed again, as it was run, or list the recent failures",
    load: () => import("./commands/rerun.ts"),
  },
  debug: {
    summary: "run a test that failed again, under gdb",
    load: () => import("./commands/debug.ts"),
  },
  shell: {
    summary: "a guest of your own, with a prompt on this terminal",
    load: () => import("./commands/shell.ts"),
  },
  doctor: {
    summary: "list what this machine needs, and with --fix install it",
    load: () => import("./commands/doctor.ts"),
  },
  kernel: { summary: "build, list, find and remove Rex kernels", load: () => import("./commands/kernel.ts") },
  mutants: {
    summary: "break the runtime on purpose and see that the specs notice",
    load: () => import("./commands/mutants.ts"),
  },
  fuzz: {
    summary: "run generated programs whose outcome is known in advance",
    load: () => import("./commands/fuzz.ts"),
  },
  bench: {
    summary: "measure what Rex costs, against eBPF and against its own limits",
    load: () => import("./commands/bench.ts"),
  },
  ci: { summary: "the steps of a CI job: keys, setup, run", load: () => import("./commands/ci.ts") },
  cache: { summary: "show or empty the cache folder", load: () => import("./commands/cache.ts") },
};

const commands = existsSync(new URL("../mutants", import.meta.url))
  ? everyCommand
  : Object.fromEntries(Object.entries(everyCommand).filter(([name]) => !ofTheRepository.has(name)));

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command("rex-test")
    .description("Tests kernel extensions written in safe Rust on kernels of their own.")
    .version(await ownVersion(), "-V, --version")
    // --version before a command is ours; after `kernel build` it is the kernel's.
    .enablePositionalOptions()
    .showHelpAfterError("(--help lists what there is)")
    .configureHelp({ sortSubcommands: false });
  const name = argv.find((argument) => !argument.startsWith("-"));
  const chosen = name === undefined ? undefined : commands[name];
  const module = await chosen?.load();
  for (const [key, entry] of Object.entries(commands)) {
    // Only the chosen command's module is loaded; the others are shown by their summary.
    program.addCommand(
      entry === chosen && module ? module.command : new Command(key).description(entry.summary),
    );
  }
  throwInsteadOfExiting(program);
  if (argv.length === 0) {
    program.outputHelp();
    return exitCodes.passed;
  }
  await program.parseAsync([...(module?.prepareArguments?.(argv) ?? argv)], { from: "user" });
  return typeof process.exitCode === "number" ? process.exitCode : exitCodes.passed;
}

function throwInsteadOfExiting(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExiting(child);
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed === "object" && parsed !== null && "version" in parsed) return String(parsed.version);
  throw new RexTestError("package.json has no version");
}

async function start(): Promise<void> {
  installSignalHandlers();
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.passed : exitCodes.infrastructure;
      return;
    }
    if (interruption.aborted) {
      // Whoever closed the pipe wants no more of us, not even that.
      if (!isOutputClosed()) console.error(describeError(interruption.reason));
      return;
    }
    console.error(describeError(error));
    process.exitCode = error instanceof RexTestError ? error.exitCode : exitCodes.infrastructure;
  }
}

await start();
