// SPDX-License-Identifier: MIT
// A map of a loaded program, read and written through bpf(2) in the guest.
import type { MapGetResult, MapInfo, MapValue } from "../../protocol/generated.ts";
import { RexTestError } from "../../support/errors.ts";
import type { Codec } from "./codecs.ts";
import type { GuestCalls } from "./guest-calls.ts";

/** Flags of an update, as bpf(2) has them. */
export type UpdateMode = "any" | "noexist" | "exist";
const updateFlags: Readonly<Record<UpdateMode, string>> = { any: "0", noexist: "1", exist: "2" };

/** As many as the agent gives. */
const entriesAtMost = 100_000;

export class RexMap<K, V> {
  readonly info: MapInfo;
  readonly #calls: GuestCalls;
  readonly #key: Codec<K>;
  readonly #value: Codec<V>;

  constructor(calls: GuestCalls, info: MapInfo, key: Codec<K>, value: Codec<V>) {
    checkSize(info.name, "key", info.keySize, key);
    checkSize(info.name, "value", info.valueSize, value);
    this.info = info;
    this.#calls = calls;
    this.#key = key;
    this.#value = value;
  }

  /** The value, or undefined when the key is absent. */
  async get(key: K): Promise<V | undefined> {
    const values = await this.getPerCpu(key);
    if (values !== undefined && values.length > 1) {
      throw new RexTestError(`map ${this.info.name} has a value for each CPU: use getPerCpu`, {
        outcome: "failure",
      });
    }
    return values?.[0];
  }

  /** The value of each possible CPU; one value for a map that is not per CPU. */
  async getPerCpu(key: K): Promise<readonly V[] | undefined> {
    const { value } = await this.#calls.call("mapGet", { map: this.info.map, key: this.#encodeKey(key) });
    return value === null ? undefined : this.#decode(value);
  }

  async set(key: K, value: V, mode: UpdateMode = "any"): Promise<void> {
    await this.#calls.call("mapSet", {
      map: this.info.map,
      key: this.#encodeKey(key),
      value: base64(this.#value.encode(value)),
      flags: updateFlags[mode],
    });
  }

  /** Gives the map a name in the BPF file system, which keeps it. */
  async pin(path: string): Promise<void> {
    await this.#calls.call("pin", { kind: "map", handle: this.info.map, path });
  }

  /** Sets the value of each possible CPU of a per-CPU map. */
  async setPerCpu(key: K, values: readonly V[], mode: UpdateMode = "any"): Promise<void> {
    await this.#calls.call("mapSet", {
      map: this.info.map,
      key: this.#encodeKey(key),
      value: values.map((value) => base64(this.#value.encode(value))),
      flags: updateFlags[mode],
    });
  }

  /** Returns whether there was something to delete. */
  async delete(key: K): Promise<boolean> {
    return (await this.#calls.call("mapDelete", { map: this.info.map, key: this.#encodeKey(key) })).deleted;
  }

  /** All elements, in the kernel's order. Fails if there are more than 100,000, or more than fit an answer. */
  async entries(): Promise<readonly (readonly [K, V])[]> {
    const asked = { map: this.info.map, limit: entriesAtMost };
    const { entries, truncated } = await this.#calls.call("mapEntries", asked);
    if (truncated)
      throw new RexTestError(`map ${this.info.name} has more elements than fit an answer`, {
        outcome: "failure",
      });
    return entries.flatMap(({ key, value }) => {
      const decodedKey = this.#key.decode(Buffer.from(key, "base64"));
      return this.#decode(value).map((decoded) => [decodedKey, decoded] as const);
    });
  }

  /** All elements of a per-CPU map with the values of each possible CPU. */
  async entriesPerCpu(): Promise<readonly (readonly [K, readonly V[]])[]> {
    const entries: (readonly [K, V])[] = [...(await this.entries())];
    const perEntry = this.info.valuesPerEntry;
    const keys = entries.filter((_, index) => index % perEntry === 0);
    return keys.map(([key], index) => {
      const values = entries.slice(index * perEntry, (index + 1) * perEntry);
      return [key, values.map(([, value]) => value)] as const;
    });
  }

  #encodeKey(key: K): string {
    return base64(this.#key.encode(key));
  }

  #decode(value: MapValue): readonly V[] {
    const values = typeof value === "string" ? [value] : value;
    return values.map((one) => this.#value.decode(Buffer.from(one, "base64")));
  }
}

/** A queue or stack. */
export class RexQueue<V> {
  readonly info: MapInfo;
  readonly #calls: GuestCalls;
  readonly #value: Codec<V>;

  constructor(calls: GuestCalls, info: MapInfo, value: Codec<V>) {
    checkSize(info.name, "value", info.valueSize, value);
    this.info = info;
    this.#calls = calls;
    this.#value = value;
  }

  async push(value: V): Promise<void> {
    await this.#calls.call("mapSet", {
      map: this.info.map,
      key: "",
      value: base64(this.#value.encode(value)),
    });
  }

  /** The next value, which is then gone; undefined when there is none. */
  async pop(): Promise<V | undefined> {
    return this.#decode(await this.#calls.call("mapTake", { map: this.info.map, key: "" }));
  }

  /** The next value, which stays. */
  async peek(): Promise<V | undefined> {
    return this.#decode(await this.#calls.call("mapGet", { map: this.info.map, key: "" }));
  }

  /** Pops all values. */
  async drain(): Promise<readonly V[]> {
    const values: V[] = [];
    for (let value = await this.pop(); value !== undefined; value = await this.pop()) values.push(value);
    return values;
  }

  #decode({ value }: MapGetResult): V | undefined {
    return typeof value === "string" ? this.#value.decode(Buffer.from(value, "base64")) : undefined;
  }
}

function checkSize<T>(map: string, part: "key" | "value", size: number, codec: Codec<T>): void {
  if (codec.byteLength === undefined || codec.byteLength === size) return;
  throw new RexTestError(
    `the ${part} of map ${map} has ${size} bytes, not the ${codec.byteLength} of a ${codec.name}`,
    {
      outcome: "failure",
    },
  );
}

function base64(data: Uint8Array): string {
  return Buffer.from(data).toString("base64");
}
