// SPDX-License-Identifier: MIT
// One line that says what is being done, how far it is and how long it has taken. On a terminal it is redrawn in place;
// elsewhere (CI logs) it is printed again when the work changes, and at intervals.
import { formatDuration } from "./format.ts";

export interface ProgressState {
  /** "building the kernel" */
  readonly what: string;
  readonly done?: number | undefined;
  readonly total?: number | undefined;
  /** What done and total count, when the reader can't tell: "MB". */
  readonly unit?: string | undefined;
  /** What is in hand right now: a file, a package. */
  readonly item?: string | undefined;
}

export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const redrawMs = 100;
const plainIntervalMs = 15_000;

export class Progress implements Disposable {
  readonly #stream: ProgressStream;
  readonly #started = performance.now();
  readonly #now: () => number;
  #state: ProgressState | undefined;
  #stateStarted = 0;
  #lastPrinted = -Infinity;
  #drawn = false;
  #ticker: NodeJS.Timeout | undefined;

  constructor(stream: ProgressStream = process.stderr, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
  }

  /** Time since this progress line came to life, ms. */
  get elapsedMs(): number {
    return this.#now() - this.#started;
  }

  update(state: ProgressState): void {
    const changed = this.#state?.what !== state.what;
    this.#state = state;
    if (changed) this.#stateStarted = this.#now();
    this.#ticker ??= setInterval(() => this.#draw(false), this.#stream.isTTY ? 500 : plainIntervalMs).unref();
    this.#draw(changed);
  }

  /** Prints a line that stays, above the progress line. */
  note(line: string): void {
    this.#clear();
    this.#stream.write(`${line}\n`);
    if (this.#stream.isTTY && this.#state) this.#draw(true);
  }

  /** Ends the current work with a line that stays: "what  result  elapsed". */
  done(result = "done"): void {
    const state = this.#state;
    this.#clear();
    this.#state = undefined;
    if (state)
      this.#stream.write(`${state.what}: ${result} (${formatDuration(this.#now() - this.#stateStarted)})\n`);
  }

  /** Ends the current work without a word. */
  drop(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    this.#clear();
    this.#state = undefined;
  }

  [Symbol.dispose](): void {
    this.drop();
  }

  /** Takes the line off the terminal, so that something else can be written; the next update draws it again. */
  clear(): void {
    this.#clear();
  }

  #clear(): void {
    if (this.#drawn) this.#stream.write("\r\u001b[K");
    this.#drawn = false;
  }

  #draw(force: boolean): void {
    if (!this.#state) return;
    const now = this.#now();
    const interval = this.#stream.isTTY ? redrawMs : plainIntervalMs;
    if (!force && now - this.#lastPrinted < interval) return;
    this.#lastPrinted = now;
    const line = progressLine(this.#state, now - this.#stateStarted, this.#stream.columns ?? 110);
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\u001b[K${line}`);
      this.#drawn = true;
    } else {
      this.#stream.write(`${line}\n`);
    }
  }
}

/** The line itself, cut to fit `columns`. */
export function progressLine(state: ProgressState, elapsedMs: number, columns: number): string {
  const parts = [state.what];
  const unit = state.unit ? ` ${state.unit}` : "";
  if (state.done !== undefined && state.total !== undefined && state.total > 0) {
    const total = Math.max(state.total, state.done);
    parts.push(`${percentage(state.done, state.total)}% (${state.done} of ${total}${unit})`);
  } else if (state.done !== undefined) {
    parts.push(`${state.done}${unit}`);
  }
  parts.push(formatDuration(elapsedMs));
  const head = parts.join("  ");
  const line = state.item ? `${head}  ${state.item}` : head;
  return line.length < columns ? line : line.slice(0, Math.max(0, columns - 1));
}

/** Whole percent; an estimate that was too low never claims to be finished. */
export function percentage(done: number, total: number): number {
  return Math.max(0, Math.min(99, Math.floor((done / total) * 100)));
}
