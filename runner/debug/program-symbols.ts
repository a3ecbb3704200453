// SPDX-License-Identifier: MIT
// Tells gdb where Rex programs are: a program's symbols in kallsyms against those of its file give the address of its image.
import { appendFile, mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { mustRun } from "../support/process.ts";
import type { Guest } from "../test/guests/guest.ts";
import type { BuiltProgram, Compiler } from "../test/programs/compiler.ts";
import type { CompilableSource } from "../test/programs/source.ts";

const limitMs = 60_000;
const mostAsked = 50;

export class ProgramSymbols {
  readonly #compiler: Compiler;
  readonly #commandFile: string;
  #count = 0;

  constructor(compiler: Compiler, commandFile: string) {
    this.#compiler = compiler;
    this.#commandFile = commandFile;
  }

  /** An object was loaded: from the next stop on gdb knows it. Of objects that were not built here there is no file. */
  async add(guest: Guest, base64: string): Promise<void> {
    const file = await this.#fileOf(Buffer.from(base64, "base64"));
    if (file === undefined) return;
    const offset = await imageOffset(guest, file.object);
    if (offset === undefined) return;
    this.#count += 1;
    const sources = await this.#folderOfSources(file.source);
    await appendFile(this.#commandFile, this.#commands(file.debug, offset, sources));
  }

  /** Where `src/main.rs`, as line information names it, is to be found. */
  async #folderOfSources(source: CompilableSource): Promise<string> {
    if (source.kind === "fixture" && !source.path.endsWith(".rs")) return source.path;
    const folder = join(dirname(this.#commandFile), `program-${this.#count}`);
    const text = source.kind === "inline" ? source.text : await readFile(source.path);
    await mkdir(join(folder, "src"), { recursive: true });
    const main = join(folder, "src", "main.rs");
    await writeFile(main, text);
    // Or gdb warns that it is newer than what was built of it.
    await utimes(main, 0, 0);
    return folder;
  }

  async #fileOf(bytes: Buffer): Promise<BuiltProgram | undefined> {
    for (const file of (await this.#compiler.built()).toReversed())
      if (bytes.equals(await readFile(file.object))) return file;
    return undefined;
  }

  /** Once, however often the file is read. */
  #commands(debug: string, offset: bigint, sources: string): string {
    const done = `$rex_program_${this.#count}`;
    return `if $_isvoid(${done})\n  add-symbol-file ${debug} -o 0x${offset.toString(16)}\n  directory ${sources}\n  set ${done} = 1\nend\n`;
  }
}

/** How far the image is from where its file says. */
async function imageOffset(guest: Guest, object: string): Promise<bigint | undefined> {
  const { stdout } = await mustRun("nm", [object], { what: "nm", timeoutMs: limitMs });
  const symbols = parseSymbols(stdout);
  // Names with a path of their own are the program's; the newest of several with one name is the last.
  const names = [...symbols.keys()].filter((name) => name.includes("::")).slice(0, mostAsked);
  const { symbols: found } = await guest.call("kallsyms", { symbols: names }, { timeoutMs: limitMs });
  const [shared] = found.map(({ name }) => name);
  const last = found.filter(({ name }) => name === shared).at(-1);
  const value = last === undefined ? undefined : symbols.get(last.name);
  return last === undefined || value === undefined ? undefined : BigInt(last.address) - value;
}

/** Exported for tests. */
export function parseSymbols(text: string): Map<string, bigint> {
  const symbols = new Map<string, bigint>();
  for (const line of text.split("\n")) {
    const [, address, name] = /^([0-9a-f]+) [tT] (\S+)$/.exec(line) ?? [];
    if (address !== undefined && name !== undefined) symbols.set(name, BigInt(`0x${address}`));
  }
  return symbols;
}
