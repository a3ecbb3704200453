// SPDX-License-Identifier: MIT
// The plugin that notes which code of the guest is translated: built for the QEMU that is there, and tried with it.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RexTestError } from "../../runner/support/errors.ts";
import { mustRun, runProcess, succeeded } from "../../runner/support/process.ts";
import { qemuLibrary } from "../qemu-library.ts";
import { findQemu } from "../virtual-machine.ts";

const limitMs = 30_000;
const source = join(fileURLToPath(new URL(".", import.meta.url)), "translations.c");

/** Its path. What is missing is said in the error: a C compiler, or a QEMU that takes plugins. */
export async function translationPlugin(signal: AbortSignal): Promise<string> {
  const qemu = await findQemu();
  const { stdout } = await mustRun(qemu, ["--version"], { signal, timeoutMs: limitMs });
  const flags = [`-DPLUGIN_VERSION=${interfaceVersion(stdout)}`];
  const library = { name: "translations", sources: [source], headers: [], flags };
  const plugin = await qemuLibrary(library, signal);
  // A machine without anything; what it would have noted goes nowhere.
  const machine = ["-machine", "none", "-nodefaults", "-display", "none", "-monitor", "stdio"];
  const tried = await runProcess(qemu, [...machine, "-plugin", `file=${plugin.replaceAll(",", ",,")},fd=1`], {
    input: "quit\n",
    signal,
    timeoutMs: limitMs,
    dieWithParent: true,
  });
  signal.throwIfAborted();
  if (succeeded(tried)) return plugin;
  const why = tried.stderr.split("\n").findLast((line) => line.trim() !== "");
  throw new RexTestError(`QEMU takes no plugin${why === undefined ? "" : ` (${why})`}`);
}

/** Of the interface to plugins, by the first line of `qemu --version`: since QEMU 9 none older than 2 is taken. */
export function interfaceVersion(text: string): number {
  const major = Number(/version (\d+)\./.exec(text)?.[1] ?? 0);
  return major >= 9 ? 2 : 1;
}
