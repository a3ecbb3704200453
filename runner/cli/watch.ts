// SPDX-License-Identifier: MIT
// `rex-test run --watch`: the specs once, and then, whenever a file changes that specs are made of, those specs again.
import { glob, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { describeError, RexTestError } from "../support/errors.ts";
import { FolderWatch } from "../support/folder-watch.ts";
import { plural } from "../support/format.ts";
import { filesOfSpec, type SpecFiles, specsDependingOn } from "../test/collect/dependencies.ts";
import { findSpecs, skippedFolders } from "../test/collect/find-specs.ts";

export interface WatchOptions {
  readonly paths: readonly string[];
  readonly cwd: string;
  /** Of the whole command. */
  readonly signal: AbortSignal;
  /** Runs these spec files; a signal of its own ends the run. */
  readonly run: (specs: readonly string[], signal: AbortSignal) => Promise<void>;
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

type Wish =
  | { readonly kind: "quit" }
  | { readonly kind: "run"; readonly specs: readonly string[]; readonly why: string };

const clearScreen = "\u001b[2J\u001b[3J\u001b[H";

export async function watchSpecs(options: WatchOptions): Promise<void> {
  const { input, output, cwd, paths } = options;
  if (!input.isTTY || !output.isTTY)
    throw new RexTestError("--watch needs a terminal, for its keys and to redraw the screen", {
      hint: "without one: rex-test run --changed, whenever you want to know",
    });
  using keys = new Keys(input);
  using watching = new FolderWatch();
  let wish: Wish = { kind: "run", specs: await findSpecs(paths, cwd), why: "all specs" };
  while (wish.kind === "run" && !options.signal.aborted) {
    const specs = await allSpecs(paths, cwd);
    watching.watch(await foldersOf(specs, paths, cwd));
    output.write(`${clearScreen}rex-test run --watch  ${new Date().toLocaleTimeString()}  ${wish.why}\n\n`);
    const signal = AbortSignal.any([options.signal, keys.quit.signal]);
    await options.run(wish.specs, signal).catch((error: unknown) => console.error(describeError(error)));
    if (signal.aborted) return;
    output.write("\nwaiting for changes; Enter runs all specs, q quits\n");
    wish = await nextWish(options, keys, watching);
  }
}

/** Keys, and changes of files that specs depend on. */
async function nextWish(
  { paths, cwd, signal }: WatchOptions,
  keys: Keys,
  watching: FolderWatch,
): Promise<Wish> {
  for (;;) {
    const done = new AbortController();
    const changes = watching.changes(AbortSignal.any([done.signal, signal, keys.quit.signal]));
    const first = await Promise.race([changes, keys.enter()]);
    done.abort();
    if (signal.aborted || keys.quit.signal.aborted) return { kind: "quit" };
    const specs = await allSpecs(paths, cwd);
    if (first === "enter") return { kind: "run", specs: specs.map(({ spec }) => spec), why: "all specs" };
    // What else is written beside specs, artifacts among them, is nobody's.
    const [file, ...others] = first.filter((path) => specsDependingOn(specs, [path]).length > 0);
    if (file === undefined) continue;
    const more = others.length > 0 ? ` and ${plural(others.length, "other file")}` : "";
    const why = `${relative(cwd, file)}${more} changed`;
    return { kind: "run", specs: specsDependingOn(specs, [file, ...others]), why };
  }
}

async function allSpecs(paths: readonly string[], cwd: string): Promise<readonly SpecFiles[]> {
  // While a folder is renamed there may be no spec at all.
  const found = await findSpecs(paths, cwd).catch(() => []);
  return found.map(filesOfSpec);
}

/** Those below the given paths, where new specs may come, and those of everything that specs depend on elsewhere. */
async function foldersOf(
  specs: readonly SpecFiles[],
  paths: readonly string[],
  cwd: string,
): Promise<ReadonlySet<string>> {
  const dependencies = specs.flatMap(({ dependencies }) => [...dependencies]);
  const roots = [
    ...(paths.length > 0 ? paths : ["specs"]).map((path) => resolve(cwd, path)),
    ...dependencies,
  ];
  const folders = new Set<string>();
  for (const root of new Set(roots)) {
    const below = await foldersBelow(root);
    for (const folder of below.length > 0 ? below : await existing(dirname(root))) folders.add(folder);
  }
  return folders;
}

async function foldersBelow(root: string): Promise<readonly string[]> {
  const found = await existing(root);
  if (found.length === 0) return [];
  const inside = glob("**/", { cwd: root, exclude: (name) => skippedFolders.has(name) });
  for await (const name of inside) found.push(join(root, name));
  return found;
}

/** A list of the folder, if it is one. */
async function existing(path: string): Promise<string[]> {
  const isFolder = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  return isFolder ? [path] : [];
}

/** The keys of a person who watches; Ctrl-C stays what it is. */
class Keys implements Disposable {
  readonly quit = new AbortController();
  readonly #input: NodeJS.ReadStream;
  readonly #onData = (keys: Buffer) => this.#receive(keys.toString("latin1"));
  #onEnter: (() => void) | undefined;

  constructor(input: NodeJS.ReadStream) {
    this.#input = input;
    input.setRawMode(true).on("data", this.#onData).resume();
  }

  async enter(): Promise<"enter"> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEnter = resolve;
    await promise;
    return "enter";
  }

  [Symbol.dispose](): void {
    this.#input.off("data", this.#onData).setRawMode(false).pause();
    // A terminal that nobody reads must not keep the process alive.
    this.#input.unref();
  }

  #receive(keys: string): void {
    if (keys.includes("\u0003")) process.kill(process.pid, "SIGINT");
    else if (keys.includes("q")) this.quit.abort(new RexTestError("ended with q"));
    else if (/[\r\n]/.test(keys)) this.#onEnter?.();
  }
}
