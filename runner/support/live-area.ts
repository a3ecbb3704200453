// SPDX-License-Identifier: MIT
// Some lines at the bottom of a terminal that are redrawn in place while other lines scroll past above them. Where there is no
// terminal (CI logs) the first of them is printed at intervals instead.
import type { ProgressStream } from "./progress.ts";

export interface LiveStream extends ProgressStream {
  readonly rows?: number | undefined;
}

const redrawMs = 100;
const plainIntervalMs = 15_000;
const fallbackRows = 24;

export class LiveArea implements Disposable {
  readonly #stream: LiveStream;
  readonly #isTerminal: boolean;
  #lines: (() => readonly string[]) | undefined;
  #drawn = 0;
  #ticker: NodeJS.Timeout | undefined;

  constructor(stream: LiveStream, env: NodeJS.ProcessEnv = process.env) {
    this.#stream = stream;
    this.#isTerminal = stream.isTTY === true && env["TERM"] !== "dumb";
  }

  /** Shows what `lines` gives, now and at every redraw. */
  start(lines: () => readonly string[]): void {
    this.#lines = lines;
    const interval = this.#isTerminal ? redrawMs : plainIntervalMs;
    this.#ticker ??= setInterval(() => this.#tick(), interval).unref();
    if (this.#isTerminal) this.#draw();
  }

  /** Takes the lines away while something else is written. */
  above(write: () => void): void {
    this.#clear();
    write();
    // Drawn again by the next tick: many lines in a row would only flicker.
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    this.#clear();
    this.#lines = undefined;
  }

  #tick(): void {
    if (this.#isTerminal) this.#draw();
    else this.#stream.write(`${this.#lines?.()[0] ?? ""}\n`);
  }

  #clear(): void {
    if (this.#drawn > 0) this.#stream.write(this.#erase());
    this.#drawn = 0;
  }

  #draw(): void {
    if (this.#lines === undefined) return;
    const lines = this.#lines().slice(0, Math.max(1, (this.#stream.rows ?? fallbackRows) - 1));
    // Without wrapping the terminal cuts lines itself, whatever the width of their characters.
    const text = lines.map((line) => `${line}\u001b[K\n`).join("");
    this.#stream.write(`\u001b[?7l${this.#erase()}${text}\u001b[?7h`);
    this.#drawn = lines.length;
  }

  #erase(): string {
    return this.#drawn > 0 ? `\r\u001b[${this.#drawn}A\u001b[J` : "";
  }
}
