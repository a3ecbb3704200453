// SPDX-License-Identifier: MIT
// Tells gdb where Rex programs are: a program's symbols in kallsyms against those of its file give the address of its image.
import { appendFile, mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Guest } from "../test/guests/guest.ts";
import type { BuiltProgram, Compiler } from "../test/programs/compiler.ts";
import type { CompilableSource } from "../test/programs/source.ts";
import { imageOffset, imageSymbols } from "../test/symbolise/image-base.ts";

const limitMs = 60_000;

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
    const offset = await imageOffset(
      await imageSymbols(file.object),
      async (symbols) =>
        (await guest.call("kallsyms", { symbols: [...symbols] }, { timeoutMs: limitMs })).symbols,
    );
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
