// SPDX-License-Identifier: MIT
// A QEMU that does something else first: a script of its name, before the real one on PATH.
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { findQemu } from "../../../../qemu/virtual-machine.ts";

/** For the CLI, to use it. `script` is for sh; the real QEMU takes its place at its end, unless it exits. */
export async function ownQemu(folder: string, script: string): Promise<Readonly<Record<string, string>>> {
  const real = await findQemu();
  const bin = join(folder, "bin");
  await mkdir(bin);
  const path = join(bin, "qemu-system-x86_64");
  const lines = [
    "#!/bin/sh",
    // Asked for its version it is what it is.
    `[ "$1" = --version ] && exec ${real} "$@"`,
    script,
    `exec ${real} "$@"`,
  ];
  await writeFile(path, `${lines.join("\n")}\n`);
  await chmod(path, 0o755);
  return { PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };
}
