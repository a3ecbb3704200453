// SPDX-License-Identifier: MIT
// Looks after a test whether it left its guest as it found it. The test need not ask for it.
import type { ExitRecord, InventoryResult } from "../../protocol/generated.ts";
import { visible } from "../../support/format.ts";
import type { Splat } from "../outcome/splat.ts";
import type { GuestApi } from "./guest-api.ts";
import type { CheckedOptions } from "./options.ts";

/** Freeing a program waits for RCU; what is still there after this time stays. */
const freeingLimitMs = 2_000;
const freeingPollMs = 20;

export class SanitizerError extends Error {
  override readonly name = "SanitizerError";
}

export class Sanitizers {
  readonly #guest: GuestApi;
  readonly #wanted: CheckedOptions["sanitize"];
  readonly #before: InventoryResult;
  readonly #freeingLimitMs: number;

  private constructor(
    guest: GuestApi,
    wanted: CheckedOptions["sanitize"],
    before: InventoryResult,
    slowness: number,
  ) {
    this.#guest = guest;
    this.#wanted = wanted;
    this.#before = before;
    this.#freeingLimitMs = freeingLimitMs * slowness;
  }

  static async begin(guest: GuestApi, wanted: CheckedOptions["sanitize"], slowness = 1): Promise<Sanitizers> {
    return new Sanitizers(guest, wanted, await guest.inventory(), slowness);
  }

  /** What is wrong, one complaint each; asked when the test has released what it held. */
  async complaints(expectsSplat: boolean): Promise<readonly string[]> {
    const complaints: string[] = [];
    if (this.#wanted.exits) complaints.push(...(await this.#guest.unaccountedExits()).map(describeExit));
    const after = this.#wanted.resources ? await this.#settledInventory() : await this.#guest.inventory();
    if (this.#wanted.resources) complaints.push(...leaks(this.#before, after));
    if (this.#wanted.taint && changedTaint(this.#before.taint, after.taint, expectsSplat)) {
      complaints.push(`the kernel is tainted: ${after.taintFlags.join(", ") || after.taint}`);
    }
    return complaints;
  }

  async #settledInventory(): Promise<InventoryResult> {
    const giveUpAt = performance.now() + this.#freeingLimitMs;
    for (;;) {
      const now = await this.#guest.inventory();
      if (leaks(this.#before, now).length === 0 || performance.now() > giveUpAt) return now;
      await new Promise((resolve) => setTimeout(resolve, freeingPollMs));
    }
  }
}

/** Bit of TAINT_WARN: set by the first warning, which may be one that the test expects. */
const taintWarn = 1 << 9;

function changedTaint(before: number, after: number, expectsSplat: boolean): boolean {
  const ignored = expectsSplat ? taintWarn : 0;
  return (before & ~ignored) !== (after & ~ignored);
}

/** How often a program returned with something still acquired, or with preemption, interrupts or RCU not as it found them. */
export function heldResources(stats: InventoryResult["rexStats"]): number {
  return (stats?.["unreleased"] ?? 0) + (stats?.["unbalanced"] ?? 0);
}

/** What `after` holds and `before` did not. */
export function leaks(before: InventoryResult, after: InventoryResult): string[] {
  const left = (
    what: string,
    old: readonly { id: number }[],
    now: readonly { id: number; name?: string; type: string }[],
  ) => {
    const ids = new Set(old.map(({ id }) => id));
    return now
      .filter(({ id }) => !ids.has(id))
      .map(
        ({ id, name, type }) =>
          `left behind in the kernel: ${what} ${id}${name ? ` "${name}"` : ""} of type ${type}`,
      );
  };
  const complaints = [
    ...left("program", before.progs, after.progs),
    ...left("map", before.maps, after.maps),
    ...left("link", before.links, after.links),
  ];
  const held = heldResources(after.rexStats) - heldResources(before.rexStats);
  if (held > 0) complaints.push(`programs returned ${held} times without giving back what they had acquired`);
  for (const key of ["objects", "programs"] as const) {
    const more = (after.rexStats?.[key] ?? 0) - (before.rexStats?.[key] ?? 0);
    if (more > 0) complaints.push(`the Rex runtime still counts ${more} more ${key} than before the test`);
  }
  return complaints;
}

export function describeSplat(splat: Splat): string {
  return `the kernel complained (${splat.kind}): ${splat.title}`;
}

export function describeExit(exit: ExitRecord): string {
  const where = exit.location ? ` at ${visible(exit.location)}` : "";
  return `program ${exit.prog} ended abnormally and nothing in the test expected it: ${exit.reason}: ${visible(exit.message ?? "")}${where}`;
}
