// SPDX-License-Identifier: MIT
// Matchers for the guest as a whole: toBeHealthy, toHoldNoResources.
import { classifyLog } from "../outcome/splat.ts";
import { GuestApi } from "../worker/guest-api.ts";
import { heldResources } from "../worker/leaks.ts";
import type { MatcherResult } from "./result.ts";

/** The kernel answers on every CPU, is not tainted and has complained about nothing. */
export async function toBeHealthy(received: unknown): Promise<MatcherResult> {
  const guest = asGuest(received, "toBeHealthy");
  const cpus = await guest.cpus();
  const runs = await guest.trigger(cpus.map((cpu) => ({ syscall: "getpid", cpu })));
  const problems = runs.flatMap((run, index) =>
    run.ret > 0n ? [] : [`CPU ${cpus[index]}: getpid returned ${run.errnoName ?? run.ret}`],
  );
  const { taint, taintFlags } = await guest.inventory();
  if (taint !== 0) problems.push(`tainted: ${taintFlags.join(", ")}`);
  const log = await guest.log();
  // User space writes to the kernel log too (facility 1): that is not the kernel complaining.
  const ofKernel = log.filter(({ facility }) => facility === 0).flatMap(({ text }) => text.split("\n"));
  problems.push(...classifyLog(ofKernel).map((splat) => `${splat.kind}: ${splat.title}`));
  return {
    pass: problems.length === 0,
    message: () =>
      problems.length === 0
        ? "expected the kernel to be unwell"
        : `expected a healthy kernel:\n  ${problems.join("\n  ")}`,
  };
}

/** No program has ever returned with something still acquired, or with preemption, interrupts or RCU not as it found them. */
export async function toHoldNoResources(received: unknown): Promise<MatcherResult> {
  const guest = asGuest(received, "toHoldNoResources");
  const { rexStats } = await guest.inventory();
  if (rexStats === undefined) {
    return {
      pass: false,
      message: () => "this kernel keeps no count of held resources: it is not a Rex kernel",
    };
  }
  const held = heldResources(rexStats);
  return {
    pass: held === 0,
    message: () => `expected ${held === 0 ? "held" : "no held"} resources, and the runtime counted ${held}`,
    actual: held,
    expected: 0,
  };
}

function asGuest(received: unknown, matcher: string): GuestApi {
  if (received instanceof GuestApi) return received;
  throw new TypeError(`${matcher} looks at t.guest`);
}
