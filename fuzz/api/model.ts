// SPDX-License-Identifier: MIT
// What each call has to give, and what the maps hold then. Written from what linux/bpf.h and the kernel's documentation promise, not from the crate.
import { sizes } from "./operator.ts";

export interface Call {
  /** As in operator.ts. */
  readonly name: string;
  readonly key: bigint;
  readonly value: bigint;
  readonly more: bigint;
}

export interface Outcome {
  readonly status: bigint;
  readonly value: bigint;
}

/** An outcome that is known, or what has to be so of it. */
export type Expected =
  | Outcome
  | { readonly holds: (seen: Outcome, told: Told) => boolean; readonly what: string };

/** What else is known of the call that was made. */
export interface Told {
  readonly tid: bigint;
}

const word = (value: bigint): bigint => BigInt.asUintN(64, value);
const failed = (errno: bigint): Outcome => ({ status: word(-errno), value: 0n });
const ok: Outcome = { status: 0n, value: 0n };
const none: Outcome = { status: 0n, value: 0n };
const some = (value: bigint): Outcome => ({ status: 1n, value });

const errno = {
  ENOENT: 2n,
  E2BIG: 7n,
  EFAULT: 14n,
  EEXIST: 17n,
  EINVAL: 22n,
  ENOSPC: 28n,
  EAGAIN: 11n,
} as const;
const flagsOf: Readonly<Record<string, bigint>> = { insert: 0n, insert_new: 1n, update: 2n };

/** A map with keys, by what makes it special. */
interface KeyedKind {
  readonly keyBits: number;
  readonly capacity: number;
  readonly full: bigint;
  /** All keys are there from the start, and stay. */
  readonly isArray?: boolean;
  /** Forgets what it likes. */
  readonly forgets?: boolean;
}

const kinds: Readonly<Record<string, KeyedKind>> = {
  ARRAY: { keyBits: 32, capacity: sizes.array, full: errno.E2BIG, isArray: true },
  HASH: { keyBits: 64, capacity: sizes.hash, full: errno.E2BIG },
  BARE: { keyBits: 32, capacity: sizes.bare, full: errno.E2BIG },
  PER_CPU: { keyBits: 32, capacity: sizes.perCpu, full: errno.E2BIG, isArray: true },
  PER_CPU_HASH: { keyBits: 16, capacity: sizes.perCpuHash, full: errno.E2BIG },
  LRU: { keyBits: 64, capacity: sizes.lru, full: errno.E2BIG, forgets: true },
};

export class Model {
  readonly #maps = new Map<string, Map<bigint, bigint>>(Object.keys(kinds).map((name) => [name, new Map()]));
  readonly #trie = new Trie();
  readonly #queues = new Map<string, bigint[]>([
    ["QUEUE", []],
    ["STACK", []],
  ]);
  readonly #ring = new Ring();
  #clock = 0n;

  /** The elements of a map with keys, those of an array that are not zero. */
  entries(map: string): Map<bigint, bigint> {
    return new Map(
      [...(this.#maps.get(map) ?? [])].filter(([, value]) => value !== 0n || kinds[map]?.isArray !== true),
    );
  }

  /** Records that the reader finds, who takes them all. */
  readRing(): RingContent {
    return this.#ring.read();
  }

  apply(call: Call): Expected {
    const [, plain, method] = /^(\w+)\.(\w+)$/.exec(call.name) ?? [];
    const [, helper, given] = /^program\.(\w+) (\w+)$/.exec(call.name) ?? [];
    const map = plain ?? given ?? "";
    const operation = method ?? helper ?? "";
    if (map === "RING") return this.#ring.apply(operation, call);
    if (map === "TRIE") return this.#trie.apply(operation, call);
    if (map === "PER_CPU" && operation === "of_cpu") return this.#ofCpu(call);
    const kind = kinds[map];
    if (kind !== undefined) return this.#keyed(map, kind, operation, call);
    const queue = this.#queues.get(map);
    if (queue !== undefined) return queued(queue, map === "QUEUE", operation, call);
    return this.#other(call);
  }

  #ofCpu({ key, more }: Call): Expected {
    const index = BigInt.asUintN(32, key);
    // Guests have one CPU.
    if (BigInt.asUintN(32, more) !== 0n || index >= sizes.perCpu) return none;
    return some(this.#maps.get("PER_CPU")?.get(index) ?? 0n);
  }

  #keyed(map: string, kind: KeyedKind, operation: string, call: Call): Expected {
    const held = this.#maps.get(map) ?? new Map<bigint, bigint>();
    const key = BigInt.asUintN(kind.keyBits, call.key);
    const isThere = kind.isArray === true ? key < kind.capacity : held.has(key);
    const old = held.get(key) ?? 0n;
    // A map that forgets may have done so; what is there is what was last set.
    const either = (expected: Outcome, otherwise: Outcome): Expected =>
      kind.forgets === true && isThere
        ? {
            holds: ({ status, value }) => {
              const isGone = status === otherwise.status && value === otherwise.value;
              if (isGone) held.delete(key);
              return isGone || (status === expected.status && value === expected.value);
            },
            what: `${shown(expected)} or ${shown(otherwise)}`,
          }
        : expected;
    switch (operation) {
      case "get":
      case "lookup":
        return isThere ? either(some(old), none) : none;
      case "get_mut":
        if (!isThere) return none;
        held.set(key, call.value);
        return either(some(call.value), none);
      case "fetch_add":
        if (!isThere) return none;
        held.set(key, word(old + call.value));
        return either(some(old), none);
      case "delete":
        if (kind.isArray === true) return failed(errno.EINVAL);
        held.delete(key);
        return isThere ? either(ok, failed(errno.ENOENT)) : failed(errno.ENOENT);
      default: {
        const flags = call.name.startsWith("program.") ? call.more : (flagsOf[operation] ?? 0n);
        return this.#set(held, kind, key, call, flags, isThere, either);
      }
    }
  }

  #set(
    held: Map<bigint, bigint>,
    kind: KeyedKind,
    key: bigint,
    { value }: Call,
    flags: bigint,
    isThere: boolean,
    either: (expected: Outcome, otherwise: Outcome) => Expected,
  ): Expected {
    if (flags > 2n) return failed(errno.EINVAL);
    if (kind.isArray === true && !isThere) return failed(kind.full);
    if (flags === 1n && isThere) {
      if (kind.forgets !== true) return failed(errno.EEXIST);
      return {
        holds: ({ status }) => {
          if (status === 0n) held.set(key, value);
          return status === 0n || status === failed(errno.EEXIST).status;
        },
        what: "0 or -EEXIST",
      };
    }
    if (flags === 2n && !isThere) return failed(errno.ENOENT);
    if (!isThere && kind.forgets !== true && held.size >= kind.capacity) return failed(kind.full);
    held.set(key, value);
    return flags === 2n ? either(ok, failed(errno.ENOENT)) : ok;
  }

  #other({ name, key, value, more }: Call): Expected {
    switch (name) {
      case "probe kernel":
      case "probe user":
        return failed(errno.EFAULT);
      case "probe kernel text":
      case "probe user text":
        return { ...failed(errno.EFAULT), value: sum(Buffer.alloc(16)) };
      case "format number":
        return formatted(
          `${BigInt.asIntN(64, value)} ${key.toString(16)} ${BigInt.asUintN(32, more)}`,
          48,
          0,
        );
      case "format cut":
        return formatted(`${BigInt.asIntN(64, value)}`, 8, 7);
      case "task references":
        return value === 1n ? { status: key > 32n ? 32n : key, value: key > 32n ? 32n : key } : none;
      case "task current":
      case "pid and tgid":
        return {
          holds: ({ status, value: seen }, { tid }) =>
            status === 1n && BigInt.asUintN(32, seen) === tid && seen >> 32n === 1n,
          what: "process 1 and the thread that called",
        };
      case "uid and gid":
      case "cpu":
      case "node":
        return some(0n);
      case "comm":
        return ok;
      case "coarse nanoseconds":
        return { status: 1n, value: 0n };
      case "nanoseconds":
        return {
          holds: ({ status, value: now }) => {
            const isLater = now >= this.#clock;
            this.#clock = now;
            return status === 1n && isLater;
          },
          what: "later than before",
        };
      default:
        return { holds: ({ status, value: seen }) => status === 1n && seen > 0n, what: "some number" };
    }
  }
}

/** What is behind the text stays as it was. */
function formatted(text: string, room: number, rest: number): Outcome {
  const bytes = Buffer.alloc(room, rest);
  bytes.write(`${text.slice(0, room - 1)}\0`, "latin1");
  return { status: BigInt(text.length + 1), value: sum(bytes) };
}

/** As operator.ts does it. */
export function sum(bytes: Uint8Array): bigint {
  return bytes.reduce((total, byte) => word(total * 31n + BigInt(byte)), 7n);
}

function queued(held: bigint[], isQueue: boolean, operation: string, { value, more, name }: Call): Expected {
  const capacity = isQueue ? sizes.queue : sizes.stack;
  const next = isQueue ? held[0] : held.at(-1);
  switch (operation) {
    case "peek":
      return next === undefined ? none : some(next);
    case "pop":
      if (next === undefined) return none;
      if (isQueue) held.shift();
      else held.pop();
      return some(next);
    default: {
      const flags = operation === "force_push" ? 2n : name.startsWith("program.") ? more : 0n;
      if (flags === 1n || flags > 2n) return failed(errno.EINVAL);
      if (held.length >= capacity) {
        if (flags !== 2n) return failed(errno.E2BIG);
        held.shift();
      }
      held.push(value);
      return ok;
    }
  }
}

/** Prefixes of 32 bits. */
class Trie {
  /** By length and bits. */
  readonly #held = new Map<string, bigint>();

  apply(operation: string, { key, value, more, name }: Call): Expected {
    const length = BigInt.asUintN(32, more);
    const bits = BigInt.asUintN(32, key).toString(2).padStart(32, "0");
    const own = `${length}:${bits.slice(0, Number(length))}`;
    if (length > 32n) {
      const isSearch = ["get", "lookup", "get_mut"].includes(operation);
      return isSearch ? none : failed(errno.EINVAL);
    }
    const match = this.#longest(bits, Number(length));
    const old = match === undefined ? undefined : this.#held.get(match);
    switch (operation) {
      case "get":
      case "lookup":
        return old === undefined ? none : some(old);
      case "get_mut":
        if (match === undefined) return none;
        this.#held.set(match, value);
        return some(value);
      case "delete":
        return this.#held.delete(own) ? ok : failed(errno.ENOENT);
      default:
        return this.#set(own, value, name.startsWith("program.") ? more : (flagsOf[operation] ?? 0n));
    }
  }

  #longest(bits: string, length: number): string | undefined {
    for (let prefix = length; prefix >= 0; prefix -= 1) {
      const name = `${prefix}:${bits.slice(0, prefix)}`;
      if (this.#held.has(name)) return name;
    }
    return undefined;
  }

  #set(own: string, value: bigint, flags: bigint): Expected {
    if (flags > 2n) return failed(errno.EINVAL);
    const isThere = this.#held.has(own);
    if (flags === 1n && isThere) return failed(errno.EEXIST);
    if (flags === 2n && !isThere) return failed(errno.ENOENT);
    if (!isThere && this.#held.size >= sizes.trie) return failed(errno.ENOSPC);
    this.#held.set(own, value);
    return ok;
  }
}

/** What the reader finds: records in hex, and how many there are of no interest between them. */
export interface RingContent {
  readonly records: string[];
  discarded: number;
}

const headerBytes = 8n;

/** Positions of a ring buffer, and what is in it for the reader. */
class Ring {
  #produced = 0n;
  #consumed = 0n;
  #content: RingContent = { records: [], discarded: 0 };

  apply(operation: string, { key, value }: Call): Expected {
    const size = key % BigInt(sizes.recordBytes + 1);
    const byte = Number(BigInt.asUintN(8, value)).toString(16).padStart(2, "0");
    switch (operation) {
      case "output":
        if (!this.#reserve(size)) return failed(errno.EAGAIN);
        this.#write(byte.repeat(Number(size)));
        return ok;
      case "submit":
        if (!this.#reserve(size)) return none;
        this.#write(byte.repeat(Number(size)));
        return some(0n);
      case "discard":
      case "drop":
        return this.#discard(size);
      case "reserve":
        return this.#discard(value);
      case "available":
        return some(this.#produced - this.#consumed);
      case "size":
        return some(BigInt(sizes.ringBytes));
      case "produced":
        return some(this.#produced);
      default:
        return some(this.#consumed);
    }
  }

  read(): RingContent {
    const content = this.#content;
    this.#content = { records: [], discarded: 0 };
    this.#consumed = this.#produced;
    return content;
  }

  #write(record: string): void {
    this.#content.records.push(record);
  }

  #discard(size: bigint): Outcome {
    if (!this.#reserve(size)) return none;
    this.#content.discarded += 1;
    return some(0n);
  }

  #reserve(size: bigint): boolean {
    const whole = BigInt.asUintN(64, size + headerBytes + 7n) & ~7n;
    if (
      size > BigInt(sizes.ringBytes) ||
      whole + this.#produced - this.#consumed > BigInt(sizes.ringBytes) - 1n
    )
      return false;
    this.#produced += whole;
    return true;
  }
}

export function shown({ status, value }: Outcome): string {
  return `${BigInt.asIntN(64, status)} ${value}`;
}
