// SPDX-License-Identifier: MIT
// Whether a campaign can watch what runs of the crate: where QEMU translates the guest's code, and says so to a plugin.
import type { Translations } from "../../qemu/machine.ts";
import { translationPlugin } from "../../qemu/translations/plugin.ts";
import { messageOf } from "../../runner/support/errors.ts";
import type { Prepared } from "../../runner/test/engine/prepare.ts";
import { CrateCoverage, crateStamp } from "./crate-coverage.ts";
import { isCounting, type WatchedCrate } from "./guidance.ts";
import type { CampaignState } from "./state.ts";

interface Watching {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** undefined where there is no guidance, and where it can't be had: then the reader is told why. */
export async function watchCrate(
  { kernel, guests }: Pick<Prepared, "kernel" | "guests">,
  state: CampaignState,
  { signal, say }: Watching,
): Promise<WatchedCrate | undefined> {
  if (!(await isCounting(kernel))) return undefined;
  const without = (why: string) =>
    say(`the coverage of the runtime steers alone, not that of the crate: ${why}`);
  if (guests.accelerator !== "tcg") {
    without("what runs is noted by TCG only, and this is KVM");
    return undefined;
  }
  try {
    const plugin = await translationPlugin(signal);
    const coverage = new CrateCoverage(state, await crateStamp());
    return { translations: { plugin, ...imageAddresses(kernel.config) }, coverage };
  } catch (error) {
    signal.throwIfAborted();
    without(messageOf(error));
    return undefined;
  }
}

/** Where the kernel puts programs: MODULES_VADDR to MODULES_END of x86-64, which begin where its own image may end. */
function imageAddresses(config: { has(option: string): boolean }): Pick<Translations, "from" | "to"> {
  const from = config.has("RANDOMIZE_BASE") ? "0xffffffffc0000000" : "0xffffffffa0000000";
  return { from, to: "0xffffffffff000000" };
}
