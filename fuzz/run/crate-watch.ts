// SPDX-License-Identifier: MIT
// Which lines of the crate a guest has run, in the objects with generated programs: what QEMU has translated while such an object was loaded,
// where it was loaded. The same code is translated again when it is loaded again.
import type { CodeRange } from "../../runner/coverage/line-table.ts";
import type { KernelSymbol } from "../../runner/protocol/generated.ts";
import { imageOffset } from "../../runner/test/symbolise/image-base.ts";
import type { CrateImage } from "./crate-image.ts";
import { objectName } from "./object.ts";

/** Addresses of the guest. */
export interface GuestBlock {
  readonly start: bigint;
  readonly end: bigint;
}

/** Where they come from; what is taken is gone there. */
export interface BlockSource {
  take(): Promise<readonly GuestBlock[]>;
}

export interface SeenLines {
  readonly reached: ReadonlySet<string>;
  /** All that have code in the objects that were loaded. */
  readonly found: ReadonlySet<string>;
}

const pageBytes = 4096n;

export class CrateWatch {
  readonly #blocks: BlockSource;
  readonly #kallsyms: (names: readonly string[]) => Promise<readonly KernelSymbol[]>;
  #loaded: { readonly image: CrateImage; readonly offset: bigint } | undefined;
  #reached = new Set<string>();
  #found = new Set<string>();

  constructor(blocks: BlockSource, kallsyms: (names: readonly string[]) => Promise<readonly KernelSymbol[]>) {
    this.#blocks = blocks;
    this.#kallsyms = kallsyms;
  }

  /** An object was loaded, and nothing of it has run. */
  async begin(image: CrateImage | undefined): Promise<void> {
    this.#loaded = undefined;
    if (image === undefined) return;
    // Those of the crate and of core are in other objects too.
    const own = new Map([...image.symbols].filter(([name]) => name.includes(`${objectName}::`)));
    const offset = await imageOffset(own, this.#kallsyms);
    if (offset === undefined || offset % pageBytes !== 0n) return;
    // Whoever was there before may have been at the same address.
    await this.#blocks.take();
    this.#loaded = { image, offset };
  }

  /** It is about to be unloaded. */
  async end(): Promise<void> {
    if (this.#loaded === undefined) return;
    const { image, offset } = this.#loaded;
    this.#loaded = undefined;
    const ranges = (await this.#blocks.take()).map(
      ({ start, end }): CodeRange => ({ start: Number(start - offset), end: Number(end - offset) }),
    );
    for (const line of image.table.linesIn(ranges)) this.#reached.add(line);
    for (const line of image.table.lines) this.#found.add(line);
  }

  /** Since the last time. */
  take(): SeenLines {
    const seen = { reached: this.#reached, found: this.#found };
    [this.#reached, this.#found] = [new Set(), new Set()];
    return seen;
  }
}
