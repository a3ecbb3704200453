// SPDX-License-Identifier: MIT
// Where a reporter writes: a stream of this process or a file. Files are opened before anything runs, so that a report that can't
// be written is known at once and not after an hour.
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { temporaryBeside } from "../../support/cache.ts";
import { errnoOf, RexTestError } from "../../support/errors.ts";
import { wantsColour } from "../../support/style.ts";

export interface Output {
  readonly colour: boolean;
  /** Of a file: its path. */
  readonly path?: string | undefined;
  write(text: string): void;
  /** All is written. */
  finish(): void;
  /** Nothing more will come: the run could not be carried out. */
  discard(): void;
}

/** "whole": the file appears at the end, complete. "stream": it grows with the run, for whoever follows it. */
export type FileMode = "stream" | "whole";

export function streamOutput(stream: NodeJS.WriteStream): Output {
  return {
    colour: wantsColour(stream),
    write: (text) => void stream.write(text),
    finish: () => undefined,
    discard: () => undefined,
  };
}

export class FileOutput implements Output {
  readonly colour: boolean;
  readonly path: string;
  readonly #reporter: string;
  readonly #temporary: string | undefined;
  readonly #fd: number;
  #open = true;

  /** @throws RexTestError when the file can't be written. */
  constructor(path: string, options: { readonly mode: FileMode; readonly reporter: string }) {
    this.path = path;
    this.#reporter = options.reporter;
    // A file is no terminal: only FORCE_COLOR asks for colours there.
    this.colour = wantsColour({ isTTY: false });
    this.#temporary = this.#guarded(() =>
      options.mode === "whole" && canBeReplaced(path) ? temporaryBeside(path) : undefined,
    );
    this.#fd = this.#guarded(() => {
      mkdirSync(dirname(path), { recursive: true });
      return openSync(this.#temporary ?? path, "w");
    });
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    this.#orDiscard(() => {
      // A pipe may take less than it was given.
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    });
  }

  finish(): void {
    this.#orDiscard(() => {
      this.#close();
      if (this.#temporary !== undefined) renameSync(this.#temporary, this.path);
    });
  }

  discard(): void {
    this.#close();
    if (this.#temporary !== undefined) rmSync(this.#temporary, { force: true });
  }

  #close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  /** Of a file that was to appear whole nothing is left when it can't. */
  #orDiscard(work: () => void): void {
    try {
      this.#guarded(work);
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new RexTestError(
        `the ${this.#reporter} reporter can't write its file (${errnoOf(error) ?? "error"})`,
        { where: this.path, cause: error },
      );
    }
  }
}

/** A new file or an ordinary one; a device or a pipe is written to as it is. */
function canBeReplaced(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
  return found === undefined || found.isFile();
}
