// SPDX-License-Identifier: MIT
// Settings of a guest's kernel that tests change, put back for the next test that has the guest.
import { GuestRefusalError } from "../rpc/call-errors.ts";
import type { GuestCalls } from "./guest-calls.ts";

const paths = [
  "rex_timeout_ms",
  "rex_tick_ms",
  "rex_crash_stop",
  "rex_stack_paint",
  "bpf_stats_enabled",
  "perf_event_paranoid",
  "printk",
].map((name) => `/proc/sys/kernel/${name}`);

export class GuestSettings {
  readonly #calls: GuestCalls;
  readonly #before: ReadonlyMap<string, string>;

  private constructor(calls: GuestCalls, before: ReadonlyMap<string, string>) {
    this.#calls = calls;
    this.#before = before;
  }

  static async remember(calls: GuestCalls): Promise<GuestSettings> {
    return new GuestSettings(calls, await read(calls));
  }

  /** Puts back what has changed; false if something can't be. */
  async restore(): Promise<boolean> {
    for (let round = 0; round < 2; round++) {
      // Twice: a tick must not be longer than the limit, in whichever order they come.
      const changed = await this.#changed();
      if (changed.length === 0) return true;
      for (const [path, value] of changed) await this.#write(path, value);
    }
    return (await this.#changed()).length === 0;
  }

  async #changed(): Promise<readonly (readonly [string, string])[]> {
    const now = await read(this.#calls);
    return [...this.#before].filter(([path, value]) => now.get(path) !== value);
  }

  async #write(path: string, value: string): Promise<void> {
    const data = Buffer.from(value).toString("base64");
    await this.#calls.call("writeFile", { path, data }).catch(unlessRefused);
  }
}

/** Those that the kernel has. */
async function read(calls: GuestCalls): Promise<ReadonlyMap<string, string>> {
  const values = new Map<string, string>();
  for (const path of paths) {
    const file = await calls.call("readFile", { path }).catch(unlessRefused);
    if (file !== undefined) values.set(path, Buffer.from(file.data, "base64").toString());
  }
  return values;
}

function unlessRefused(error: unknown): undefined {
  if (!(error instanceof GuestRefusalError)) throw error;
}
