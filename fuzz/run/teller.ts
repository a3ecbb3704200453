// SPDX-License-Identifier: MIT
// Tells the reader how campaigns go: on a terminal some lines that are redrawn, below those that stay; elsewhere a line at intervals.
import { LiveArea, type LiveStream } from "../../runner/support/live-area.ts";
import type { Progress } from "../../runner/support/progress.ts";
import { painter, wantsColour } from "../../runner/support/style.ts";
import type { Campaign } from "./campaign.ts";
import { digestLine, numbersLine, screenLines } from "./numbers.ts";
import type { FuzzReporter } from "./run-fuzz.ts";
import type { Target } from "./target.ts";

const lineEveryMs = 10_000;

export class Teller implements FuzzReporter, Disposable {
  readonly #target: Target;
  readonly #progress: Progress;
  readonly #stream: LiveStream;
  #live: LiveArea | undefined;
  #lastLineAt = 0;

  constructor(target: Target, progress: Progress, stream: LiveStream = process.stdout) {
    this.#target = target;
    this.#progress = progress;
    this.#stream = stream;
  }

  say(line: string): void {
    this.#progress.clear();
    if (this.#live === undefined) this.#stream.write(`${line}\n`);
    else this.#live.above(() => this.#stream.write(`${line}\n`));
  }

  onStart(campaign: Campaign): void {
    this.#lastLineAt = performance.now();
    if (this.#stream.isTTY !== true || process.env["TERM"] === "dumb") return;
    const paint = painter(wantsColour(this.#stream as { isTTY?: boolean }));
    this.#live = new LiveArea(this.#stream);
    this.#live.start(() => screenLines(campaign, this.#target, paint));
  }

  onBatch(campaign: Campaign): void {
    if (this.#live !== undefined || performance.now() - this.#lastLineAt < lineEveryMs) return;
    this.#lastLineAt = performance.now();
    this.say(numbersLine(campaign, this.#target));
  }

  onEnd(campaign: Campaign): void {
    this[Symbol.dispose]();
    this.say(numbersLine(campaign, this.#target));
    this.say(digestLine(campaign));
  }

  [Symbol.dispose](): void {
    this.#live?.[Symbol.dispose]();
    this.#live = undefined;
  }
}
