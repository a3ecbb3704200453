// SPDX-License-Identifier: MIT
// Memory that runs short: the kernel lets allocations fail that may not wait, which are those of programs and of interrupts. Others, with which user space would
// end, succeed. A kernel without fault injection has memory enough.
import type { KernelConfig } from "../../runner/kernel/config.ts";
import { GuestRefusalError } from "../../runner/test/rpc/call-errors.ts";
import type { GuestApi } from "../../runner/test/worker/guest-api.ts";

export const faultOptions = ["FAILSLAB", "FAIL_PAGE_ALLOC", "FAULT_INJECTION_DEBUG_FS"] as const;
export const faultFolders = ["failslab", "fail_page_alloc"].map((name) => `/sys/kernel/debug/${name}`);

/** As they are set once: single pages too, without a word in the log, and as often as is wanted. */
export const faultSettings = {
  failslab: { verbose: "0", times: "-1" },
  fail_page_alloc: { verbose: "0", times: "-1", "min-order": "0" },
} as const;

export class Pressure {
  readonly #api: GuestApi;
  readonly #percent: number;
  #isOn = false;

  private constructor(api: GuestApi, percent: number) {
    this.#api = api;
    this.#percent = percent;
  }

  /** Undefined on a kernel that can't let allocations fail. */
  static async prepare(
    api: GuestApi,
    config: KernelConfig | undefined,
    percent: number,
  ): Promise<Pressure | undefined> {
    if (!faultOptions.every((option) => config?.has(option))) return undefined;
    for (const [fault, settings] of Object.entries(faultSettings))
      for (const [name, value] of Object.entries(settings))
        await api.writeFile(`/sys/kernel/debug/${fault}/${name}`, value);
    return new Pressure(api, percent);
  }

  async set(isOn: boolean): Promise<void> {
    if (isOn === this.#isOn) return;
    const percent = isOn ? this.#percent : 0;
    this.#isOn = isOn;
    for (const folder of faultFolders) await this.#api.writeFile(`${folder}/probability`, `${percent}`);
  }

  /** Does something; once more with memory enough, if it was refused for want of memory. */
  async spare<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!this.#isOn || !isLack(error)) throw error;
    }
    await this.set(false);
    const result = await act();
    await this.set(true);
    return result;
  }
}

export function isLack(error: unknown): boolean {
  return error instanceof GuestRefusalError && error.body.errnoName === "ENOMEM";
}
