// SPDX-License-Identifier: MIT
// Files that change, below folders that may change themselves. Each folder is watched by itself: a recursive watch would go into
// node_modules too.
import { type FSWatcher, watch } from "node:fs";
import { join } from "node:path";

/** Editors write a file in several steps. */
const quietMs = 150;

export class FolderWatch implements Disposable {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #changed = new Set<string>();
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Watches these folders and no others from now on. */
  watch(folders: Iterable<string>): void {
    const wanted = new Set(folders);
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of wanted) {
      if (this.#watchers.has(folder)) continue;
      const watcher = watch(folder, (_, name) => this.#note(name === null ? folder : join(folder, name)));
      // A folder that goes away is one that changed, and its parent tells.
      watcher.on("error", () => watcher.close());
      this.#watchers.set(folder, watcher);
    }
  }

  /** The files that changed since the last call, as soon as there are some and none has changed for a moment. */
  async changes(signal: AbortSignal): Promise<readonly string[]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    if (this.#changed.size > 0) this.#soon();
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
    await promise;
    this.#wake = undefined;
    const changed = [...this.#changed].sort();
    this.#changed.clear();
    return changed;
  }

  [Symbol.dispose](): void {
    this.watch([]);
    clearTimeout(this.#timer);
  }

  #note(path: string): void {
    this.#changed.add(path);
    this.#soon();
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#wake?.(), quietMs);
  }
}
