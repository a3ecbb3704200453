// SPDX-License-Identifier: MIT
// A ring buffer of a loaded program, read by the guest's agent.
import type { MapInfo } from "../../protocol/generated.ts";
import type { GuestCalls } from "./guest-calls.ts";

export interface RingBufferRead {
  /** Oldest first. */
  readonly records: readonly Uint8Array[];
  /** How many between them were discarded. */
  readonly discarded: number;
  /** The next record is reserved and neither submitted nor discarded: nobody can read past it. */
  readonly busy: boolean;
}

export class RingBuffer {
  readonly info: MapInfo;
  readonly #calls: GuestCalls;

  constructor(calls: GuestCalls, info: MapInfo) {
    this.info = info;
    this.#calls = calls;
  }

  /** Takes out all there is. */
  async read(): Promise<RingBufferRead> {
    const records: Uint8Array[] = [];
    let discarded = 0;
    for (;;) {
      const part = await this.#calls.call("ringbufRead", { map: this.info.map });
      records.push(...part.records.map((record) => Buffer.from(record, "base64")));
      discarded += part.discarded;
      if (!part.truncated) return { records, discarded, busy: part.busy };
    }
  }

  /** The same as text. */
  async readText(): Promise<readonly string[]> {
    return (await this.read()).records.map((record) => Buffer.from(record).toString("utf8"));
  }
}
