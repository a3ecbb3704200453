// SPDX-License-Identifier: MIT
import type { TestContext } from "rex-test";

/** Few readings: more than one can be wrong by the same timer when a busy host lets its CPU wait. */
const readings = 3;
const readingsAtMost = 100;

/** A timer that fires and is armed again while the kernel walks the list is in it twice. */
async function read(t: TestContext): Promise<number> {
  const timers = await t.guest.readFile("/proc/timer_list");
  return new Set(timers.matchAll(/<(\w+)>, rex_watchdog_tick/g).map(([, address]) => address)).size;
}

/** That so many timers of the watchdog are armed. One whose tick is under way is in no list, so the most that is ever seen counts. */
export async function expectArmed(t: TestContext, timers: number, when?: string): Promise<void> {
  let most = 0;
  for (let done = 0; done < readings || (most < timers && done < readingsAtMost); done++)
    most = Math.max(most, await read(t));
  t.expect(most, when ?? "timers that are armed").toBe(timers);
}

/** That all timers are let go of, before long: the last reference to a program is dropped by a worker of the kernel, after a grace period. */
export async function expectNoneSoon(t: TestContext): Promise<void> {
  let without = 0;
  for (let done = 0; done < readingsAtMost && without < readings; done++)
    without = (await read(t)) === 0 ? without + 1 : 0;
  t.expect(without, "readings in a row without a timer").toBe(readings);
}
