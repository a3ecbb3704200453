// SPDX-License-Identifier: MIT
// All targets. The first is what `rex-test fuzz` fuzzes when it is not told.
import { agentTarget } from "./agent-target.ts";
import { apiTarget } from "./api-target.ts";
import { gateTarget } from "./gate-target.ts";
import { bpfTarget, loaderTarget } from "./loader-target.ts";
import { programsTarget } from "./programs-target.ts";
import type { Target } from "./target.ts";
import { verifyTarget } from "./verify-target.ts";

export const targets: readonly [Target, ...Target[]] = [
  programsTarget,
  loaderTarget,
  gateTarget,
  verifyTarget,
  agentTarget,
  apiTarget,
  bpfTarget,
];

export function findTarget(name: string): Target | undefined {
  return targets.find((target) => target.name === name);
}
