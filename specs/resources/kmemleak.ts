// SPDX-License-Identifier: MIT
// The kernel's own leak detector, on kernels that have it: `t.kernel.config.has("DEBUG_KMEMLEAK")`.
import type { TestContext } from "rex-test";

const file = "/sys/kernel/debug/kmemleak";

/** What kmemleak takes for leaked since the start of the guest, with traces; "" when it found nothing. */
export async function kmemleakReport(t: TestContext): Promise<string> {
  // Memory that RCU is about to free looks leaked in the first scan: only the second one reports.
  await t.guest.writeFile(file, "scan");
  await t.guest.writeFile(file, "scan");
  return await t.guest.readFile(file);
}
