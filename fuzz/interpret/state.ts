// SPDX-License-Identifier: MIT
// What is outside of a program while it is interpreted: maps, records, the packet, resources, the budget of steps and of stack.
import type { HoldKind, LockedMap, MapKind } from "../model/ast.ts";
import { keysPerProgram } from "../model/helpers.ts";
import { wrap } from "../model/types.ts";
import type { Bytes } from "./bytes.ts";
import { Panic, Stop } from "./ending.ts";
import { Packet } from "./packet.ts";
import { type Left, type MapName, mapNames, type Released } from "./prediction.ts";

/** More is not predicted: it might take longer than the time limit. */
const stepsAtMost = 20_000;
/** Steps that a call of a map costs. */
const mapSteps = 10;
/** Of a run: all its records have room in the ring buffer before it is read. */
const holdsAtMost = 300;
/** A program that would hold more is ended. */
const heldAtMost = 32;
/** Bytes that a program surely may use, and surely may not: it has 16 KiB. */
const [surelyEnough, surelyTooMuch] = [13_000, 18_500];
const [enoent, edeadlk] = [2n, 35n];

export const releasedAs: Readonly<Record<HoldKind, Released>> = { task: "task", record: "ringbuf" };

/** A copy of a value whose lock is held. */
export interface Account {
  readonly count: bigint;
  readonly total: bigint;
}

export class State {
  readonly #maps = new Map<MapName, Map<number, bigint>>(mapNames.map((name) => [name, new Map()]));
  /** Reservations in their order; what was submitted has bytes. */
  readonly #ring: (Bytes | undefined)[] = [];
  packet = new Packet([]);
  held: Released[] = [];
  #holds = 0;
  #steps = 0;
  #stack = { least: 0, most: 0 };
  #mostStack = 0;

  /** Before a run: maps and records stay as they are. */
  begin(packet: Bytes): void {
    this.packet = new Packet(packet);
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
    this.#map("hash").delete(own(key));
  }

  hold(what: Released): void {
    this.#holds += 1;
    if (this.#holds > holdsAtMost) throw new Stop("undecided");
    this.step(mapSteps);
    if (this.held.length >= heldAtMost) throw new Stop("resources");
    this.held.push(what);
  }

  get released(): readonly Released[] {
    return this.held.toReversed();
  }

  /** Takes the lock of a value; undefined when there is no such value. */
  lock(map: LockedMap, key: bigint): Account | undefined {
    this.step(mapSteps);
    if (this.#isLocked) throw new Panic("a second lock is taken while one is held");
    const value = this.#map(map).get(own(key)) ?? (map === "accounts" ? 0n : undefined);
    if (value === undefined) return undefined;
    this.hold("spin_lock");
    return { count: value & 0xffff_ffffn, total: value >> 32n };
  }

  unlock(map: LockedMap, key: bigint, { count, total }: Account): void {
    this.held.pop();
    this.#map(map).set(own(key), (total << 32n) | count);
  }

  /** Nothing is changed while a lock is held. */
  vaultSet(key: bigint, total: bigint): bigint {
    this.step(mapSteps);
    if (this.#isLocked) return edeadlk;
    this.#map("vault").set(own(key), total << 32n);
    return 0n;
  }

  vaultDelete(key: bigint): bigint {
    this.step(mapSteps);
    if (this.#isLocked) return edeadlk;
    return this.#map("vault").delete(own(key)) ? 0n : enoent;
  }

  /** Makes a reservation; says where its bytes go if it is submitted. */
  reserve(): number {
    this.hold("ringbuf");
    return this.#ring.push(undefined) - 1;
  }

  submit(at: number, bytes: Bytes): void {
    this.#ring[at] = bytes;
  }

  output(bytes: Bytes): void {
    this.step(mapSteps);
    this.#ring.push(bytes);
  }

  get left(): Left {
    const isSet = ([, value]: readonly [number, bigint]) => value !== 0n;
    const of = (name: MapName) => this.#map(name);
    const set = (name: MapName) => new Map([...of(name)].filter(isSet));
    const records = this.#ring.filter((bytes) => bytes !== undefined);
    return {
      maps: { array: set("array"), hash: of("hash"), accounts: set("accounts"), vault: of("vault") },
      records,
      discarded: this.#ring.length - records.length,
    };
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

  get #isLocked(): boolean {
    return this.held.includes("spin_lock");
  }

  #map(name: MapName): Map<number, bigint> {
    const map = this.#maps.get(name);
    if (map === undefined) throw new Error(`there is no map ${name}`);
    return map;
  }
}

export function changed(account: Account, total: bigint): Account {
  return { count: wrap("u32", account.count + 1n), total };
}

function own(key: bigint): number {
  return Number(key % BigInt(keysPerProgram));
}
