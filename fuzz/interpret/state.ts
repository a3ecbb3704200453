// SPDX-License-Identifier: MIT
// What is outside of a program while it is interpreted: maps, resources, the budget of steps and of stack.
import type { HoldKind, MapKind } from "../model/ast.ts";
import { keysPerProgram } from "../model/files.ts";
import { Stop } from "./ending.ts";
import type { Released } from "./prediction.ts";

/** More is not predicted: it might take longer than the time limit. */
const stepsAtMost = 20_000;
/** Steps that a call of a map costs. */
const mapSteps = 10;
const holdsAtMost = 200;
/** Bytes that a program surely may use, and surely may not: it has 16 KiB. */
const [surelyEnough, surelyTooMuch] = [13_000, 18_500];

const releasedAs: Readonly<Record<HoldKind, Released>> = { task: "task", record: "ringbuf" };

export class State {
  readonly array = new Map<number, bigint>();
  readonly hash = new Map<number, bigint>();
  held: HoldKind[] = [];
  #holds = 0;
  #steps = 0;
  #stack = { least: 0, most: 0 };
  #mostStack = 0;

  /** Before a run: only the maps stay as they are. */
  begin(): void {
    this.held = [];
    this.#steps = 0;
    this.#holds = 0;
    this.#stack = { least: 0, most: 0 };
    this.#mostStack = 0;
  }

  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > stepsAtMost) throw new Stop("undecided");
  }

  get(map: MapKind, key: bigint): bigint {
    this.step(mapSteps);
    return this.#map(map).get(own(key)) ?? 0n;
  }

  set(map: MapKind, key: bigint, value: bigint): void {
    this.step(mapSteps);
    this.#map(map).set(own(key), value);
  }

  delete(key: bigint): void {
    this.step(mapSteps);
    this.hash.delete(own(key));
  }

  hold(what: HoldKind): void {
    this.#holds += 1;
    if (this.#holds > holdsAtMost) throw new Stop("undecided");
    this.step(mapSteps);
    this.held.push(what);
  }

  get released(): readonly Released[] {
    return this.held.map((what) => releasedAs[what]).reverse();
  }

  /** Runs what a frame is needed for, of which it is known how large it is at least and at most. */
  withFrame<T>(least: number, most: number, run: () => T): T {
    const before = this.#stack;
    this.#stack = { least: before.least + least, most: before.most + most };
    this.#mostStack = Math.max(this.#mostStack, this.#stack.most);
    if (this.#stack.least > surelyTooMuch) throw new Stop("overflow");
    const result = run();
    this.#stack = before;
    return result;
  }

  /** Whether the stack sufficed, whatever the compiler made of the program. */
  get fits(): boolean {
    return this.#mostStack <= surelyEnough;
  }

  #map(map: MapKind): Map<number, bigint> {
    return map === "array" ? this.array : this.hash;
  }
}

function own(key: bigint): number {
  return Number(key % BigInt(keysPerProgram));
}
