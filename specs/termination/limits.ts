// SPDX-License-Identifier: MIT
// The time limit of programs, as short as a test can do with.
import type { ExitRecord, TestContext } from "rex-test";

export interface Limits {
  readonly timeoutMs: number;
  readonly tickMs: number;
}

/**
 * On a busy host the guest's processors stand still now and then, while its clock goes on: 850 ms were seen at a load of 12 on two CPUs.
 * Whether a program is ended within one tick is measured where nobody disturbs, in latency.spec.ts.
 */
const slackMs = 2_000;

export async function setLimits(t: TestContext, { timeoutMs, tickMs }: Limits): Promise<void> {
  // The tick first: it must not be longer than the limit.
  await t.guest.writeFile("/proc/sys/kernel/rex_tick_ms", `${tickMs}\n`);
  await t.guest.writeFile("/proc/sys/kernel/rex_timeout_ms", `${timeoutMs}\n`);
}

/** The program was ended by its limit: not before, and at most a tick after. */
export function expectTimely(t: TestContext, exit: ExitRecord | undefined, limits: Limits): void {
  t.expect(exit?.reason).toBe("timeout");
  t.expect(exit?.message).toMatch(new RegExp(`^ran for more than ${limits.timeoutMs} ms`));
  const ranMs = Number(exit?.durationNs) / 1e6;
  t.expect(ranMs).toBeGreaterThanOrEqual(limits.timeoutMs);
  t.expect(ranMs).toBeLessThan(limits.timeoutMs + limits.tickMs + slackMs * t.kernel.slowness.time);
}
