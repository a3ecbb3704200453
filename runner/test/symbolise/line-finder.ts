// SPDX-License-Identifier: MIT
// From addresses to source lines: one call of llvm-symbolizer or addr2line(1) for all addresses of a file.
import { runProcess, succeeded } from "../../support/process.ts";

export interface SourcePlace {
  readonly function: string;
  /** "kernel/rex/exit.c:57" */
  readonly at: string;
}

export interface FindOptions {
  readonly timeoutMs: number;
}

/** Both print the same: an address, then a line for the function, and one for each that it was inlined into. */
const tools: readonly (readonly [string, readonly string[]])[] = [
  ["llvm-symbolizer", ["--output-style=GNU"]],
  ["addr2line", []],
];

/**
 * The places of each address, innermost first; none of an address that is in no known line. Undefined when there is no tool, or
 * it did not manage in time.
 */
export async function findLines(
  file: string,
  addresses: readonly bigint[],
  options: FindOptions,
): Promise<ReadonlyMap<bigint, readonly SourcePlace[]> | undefined> {
  if (addresses.length === 0) return new Map();
  const input = addresses.map((address) => `0x${address.toString(16)}\n`).join("");
  for (const [tool, style] of tools) {
    const finished = await runProcess(tool, [...style, "-e", file, "-f", "-i", "-p", "-a", "-C"], {
      input,
      timeoutMs: options.timeoutMs,
      dieWithParent: true,
    });
    if (succeeded(finished)) return parseLines(finished.stdout);
    if (finished.ending.kind !== "notStarted") return undefined;
  }
  return undefined;
}

/** Exported for tests. */
export function parseLines(output: string): Map<bigint, readonly SourcePlace[]> {
  const found = new Map<bigint, SourcePlace[]>();
  let places: SourcePlace[] = [];
  for (const line of output.split("\n")) {
    const [, address, text] = /^(0x[0-9a-f]+): (.*)$/.exec(line) ?? [];
    if (address !== undefined) {
      places = [];
      found.set(BigInt(address), places);
    }
    const [, name, at] =
      /^(?: \(inlined by\) )?(.+) at (\S.*?)(?: \(discriminator \d+\))?$/.exec(text ?? line) ?? [];
    if (name === undefined || at === undefined || /^\?\?|:[0?]+$/.test(at)) continue;
    places.push({ function: name, at: shortPath(at) });
  }
  return found;
}

/** Relative to the kernel's tree or the program's folder, as people name files. */
function shortPath(at: string): string {
  return at
    .replace(/^.*\/trees\/[^/]+\/tree\//, "")
    .replace(/^.*\/(?=rex-crate\/rex\/src\/)/, "")
    .replace(/^.*\/library\/(?=(?:core|alloc)\/src\/)/, "")
    .replace(/^\.\//, "");
}
