// SPDX-License-Identifier: MIT
// Source files that lines of a report name ("kernel/rex/exit.c:120"): the lines around the place go into the report, so that it
// can be read elsewhere.
import { readFile } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import type { SourceExcerpt } from "./data.ts";

const around = 6;
const longestLine = 400;
const mostPlaces = 40;
const largestFile = 4 * 1024 * 1024;

/** "dir/file.c:12"; also part of page/places.js, which makes links of them. */
const placePattern = /(?<![\w/.-])((?:[\w.@+-]*\/)*[\w.@+-]+\.(?:c|h|S|rs|ts)):(\d+)/g;

export class SourceFiles {
  readonly #roots: readonly string[];
  readonly #files = new Map<string, Promise<readonly string[] | undefined>>();

  /** Relative names are looked for below these folders. */
  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  /** `main` is the program whose src/main.rs the texts mean, when there is only one. */
  async excerpts(
    texts: Iterable<string>,
    main: string | undefined,
  ): Promise<Readonly<Record<string, SourceExcerpt>>> {
    const found: Record<string, SourceExcerpt> = {};
    const seen = new Set<string>();
    for (const text of texts) {
      for (const [place, path = "", line] of text.matchAll(placePattern)) {
        if (seen.size >= mostPlaces) return found;
        if (seen.has(place)) continue;
        seen.add(place);
        const ofMain = path === "src/main.rs" && main !== undefined;
        const excerpt = ofMain
          ? excerptOf(path, main.split("\n"), Number(line))
          : await this.#excerpt(path, Number(line));
        if (excerpt) found[place] = excerpt;
      }
    }
    return found;
  }

  async #excerpt(path: string, line: number): Promise<SourceExcerpt | undefined> {
    for (const root of this.#roots) {
      const file = resolve(root, path);
      // What a console says is not to be trusted with the choice of a file.
      if (isAbsolute(relative(root, file)) || relative(root, file).startsWith("..")) continue;
      const lines = await this.#read(file);
      if (lines === undefined || line > lines.length) continue;
      return excerptOf(path, lines, line);
    }
    return undefined;
  }

  #read(file: string): Promise<readonly string[] | undefined> {
    const known = this.#files.get(file);
    if (known) return known;
    const reading = readFile(file, "utf8").then(
      (text) => (text.length > largestFile ? undefined : text.split("\n")),
      () => undefined,
    );
    this.#files.set(file, reading);
    return reading;
  }
}

function excerptOf(path: string, lines: readonly string[], line: number): SourceExcerpt {
  const first = Math.max(1, line - around);
  const shown = lines.slice(first - 1, line + around).map((text) => text.slice(0, longestLine));
  return { path, first, lines: shown };
}

/** Where the sources of specs, the runtime and the crate are. */
export function sourceRoots(cwd: string, repository: string): readonly string[] {
  return [cwd, join(repository, "kernel/sources"), repository];
}
