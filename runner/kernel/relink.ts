// SPDX-License-Identifier: MIT
// Builds one folder of a kernel anew and links: 3 s of CPU, where make spends 6 s on finding out that nothing else is to be done.
// Only for an output folder that make has just been through, and changes of that folder's own files.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RexTestError } from "../support/errors.ts";
import { mustRun } from "../support/process.ts";
import { makeArguments, type Workplace } from "./build.ts";

const limitMs = 5 * 60_000;
const mark = "=== variables ===";

/** What kbuild's main Makefile tells the Makefiles and scripts that it calls. */
export type KbuildVariables = Readonly<Record<string, string | undefined>>;

export async function readKbuildVariables(work: Workplace): Promise<KbuildVariables> {
  const target = "rex-test-variables";
  const rule = `${target}: ; @echo '${mark}'; env --null`;
  const { stdout } = await mustRun("make", makeArguments(work, ["--eval", rule, target]), {
    what: "make",
    env: work.environment,
    signal: work.options.signal,
    dieWithParent: true,
  });
  const variables: Record<string, string | undefined> = {};
  for (const entry of stdout.slice(stdout.indexOf(mark) + mark.length + 1).split("\0")) {
    const [, name, value] = /^(\w+)=(.*)$/s.exec(entry) ?? [];
    if (name !== undefined) variables[name] = value;
  }
  if (variables["srctree"] === undefined)
    throw new RexTestError("kbuild did not tell its variables", { where: work.tree });
  // Of the make that was asked, not of those that come.
  for (const name of ["MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"]) variables[name] = undefined;
  return { ...variables, MAKEFLAGS: "rR" };
}

/** `folder` is relative to the tree: "kernel/rex". */
export async function relink(work: Workplace, folder: string, variables: KbuildVariables): Promise<void> {
  const { output, options } = work;
  const common = {
    cwd: output,
    env: { ...variables, ...work.environment, MAKEFLAGS: "rR" },
    signal: options.signal,
    timeoutMs: limitMs,
    dieWithParent: true,
  };
  const rules = join(work.tree, "scripts/Makefile.build");
  await mustRun("make", [`-j${options.jobs ?? 1}`, "-f", rules, `obj=${folder}`, "need-builtin=1"], {
    ...common,
    what: `compiling ${folder}`,
  });
  // Archives are lists of objects, so that what is linked now has the new ones in it.
  await mustRun("sh", ["-ec", await linkCommand(output)], { ...common, what: "linking vmlinux" });
}

async function linkCommand(output: string): Promise<string> {
  const path = join(output, ".vmlinux.cmd");
  const command = /^savedcmd_vmlinux := (.+)$/m.exec(await readFile(path, "utf8"))?.[1];
  if (command === undefined) throw new RexTestError("make did not leave its link command", { where: path });
  return command;
}
