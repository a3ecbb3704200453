// SPDX-License-Identifier: MIT
// Work for programs that run by a clock.
import type { TestContext } from "rex-test";

/** Keeps a CPU busy until it is so. How often a clock fires meanwhile is up to the host: the clocks of a guest that it starves fire late. */
export async function busyUntil(
  t: TestContext,
  isSo: () => Promise<boolean>,
  options: { readonly cpu?: number } = {},
): Promise<void> {
  do await t.guest.syscall("getpid", { ...options, repeat: 100_000 });
  while (!(await isSo()));
}
