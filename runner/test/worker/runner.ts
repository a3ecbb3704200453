// SPDX-License-Identifier: MIT
// vitest's runner with one addition: tests that run side by side are shuffled too. vitest itself shuffles only those that run one
// after the other; here the order in which tests start is the order in which they get their guests.
import { type RunnerTestFile, TestRunner } from "vitest";
import { shuffled } from "../../support/shuffle.ts";

export default class ShufflingRunner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    const { shuffle, seed } = this.config.sequence;
    if (!shuffle) return;
    for (const file of files) file.tasks = shuffled(file.tasks, seed);
  }
}
