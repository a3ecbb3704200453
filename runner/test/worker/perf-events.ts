// SPDX-License-Identifier: MIT
// What programs write to a perf event array, read by the guest's agent through a perf buffer on each online CPU.
import type { MapInfo } from "../../protocol/generated.ts";
import type { Codec } from "./codecs.ts";
import type { GuestCalls } from "./guest-calls.ts";

export interface PerfEvent<V> {
  readonly cpu: number;
  readonly value: V;
}

export class PerfEvents<V> {
  readonly info: MapInfo;
  readonly #calls: GuestCalls;
  readonly #value: Codec<V>;

  constructor(calls: GuestCalls, info: MapInfo, value: Codec<V>) {
    this.info = info;
    this.#calls = calls;
    this.#value = value;
  }

  /** Opens the buffers; what was written before is lost. */
  async open(): Promise<this> {
    await this.#calls.call("perfOpen", { map: this.info.map });
    return this;
  }

  /** Takes out all there is, CPU by CPU, and says how many events did not fit. */
  async read(): Promise<{ readonly events: readonly PerfEvent<V>[]; readonly lost: number }> {
    const { cpus } = await this.#calls.call("perfRead", { map: this.info.map });
    const events = cpus.flatMap(({ cpu, events }) =>
      events.map((event) => ({ cpu, value: this.#decode(Buffer.from(event, "base64")) })),
    );
    return { events, lost: cpus.reduce((sum, { lost }) => sum + lost, 0) };
  }

  /** The kernel pads events: a codec of a size sees that much. */
  #decode(padded: Buffer): V {
    return this.#value.decode(padded.subarray(0, this.#value.byteLength));
  }
}
