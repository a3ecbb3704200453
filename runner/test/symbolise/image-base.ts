// SPDX-License-Identifier: MIT
// Where a guest has put the image of a Rex program: the program's symbols in kallsyms against those of its file.
import type { KernelSymbol } from "../../protocol/generated.ts";
import { mustRun } from "../../support/process.ts";

const limitMs = 60_000;
const mostAsked = 50;

/** Addresses in the file, by name. */
export type ImageSymbols = ReadonlyMap<string, bigint>;

/** Of an object as it is loaded. */
export async function imageSymbols(object: string): Promise<ImageSymbols> {
  const { stdout } = await mustRun("nm", [object], { what: "nm", timeoutMs: limitMs });
  return parseSymbols(stdout);
}

/** How far the image is from where its file says; of several with the same names, the newest one. */
export async function imageOffset(
  symbols: ImageSymbols,
  kallsyms: (names: readonly string[]) => Promise<readonly KernelSymbol[]>,
): Promise<bigint | undefined> {
  // Names with a path of their own are the program's; the newest of several with one name is the last.
  const names = [...symbols.keys()].filter((name) => name.includes("::")).slice(0, mostAsked);
  const found = await kallsyms(names);
  const [shared] = found.map(({ name }) => name);
  const last = found.filter(({ name }) => name === shared).at(-1);
  const value = last === undefined ? undefined : symbols.get(last.name);
  return last === undefined || value === undefined ? undefined : BigInt(last.address) - value;
}

/** Without names that several functions have. Exported for tests. */
export function parseSymbols(text: string): Map<string, bigint> {
  const symbols = new Map<string, bigint>();
  const shared: string[] = [];
  for (const line of text.split("\n")) {
    const [, address, name] = /^([0-9a-f]+) [tT] (\S+)$/.exec(line) ?? [];
    if (address === undefined || name === undefined) continue;
    if (symbols.has(name)) shared.push(name);
    symbols.set(name, BigInt(`0x${address}`));
  }
  for (const name of shared) symbols.delete(name);
  return symbols;
}
