// SPDX-License-Identifier: MIT
// `t.kernel`: what is known of the kernel under test before it boots.

import { KernelConfig, type Slowness } from "../../kernel/config.ts";
import { RexTestError } from "../../support/errors.ts";
import type { KernelUnderTest } from "../host/protocol.ts";
import { workerSettings } from "./host-link.ts";

export interface KernelInfo {
  /** The folder's name, <version>-<config>-<key>. */
  readonly name: string;
  /** `t.kernel.config.has("DEBUG_KMEMLEAK")` */
  readonly config: KernelConfig;
  /** How much slower and bigger this kernel is than the default one. Limits of tests and calls are scaled already. */
  readonly slowness: Slowness;
}

const known = new Map<string | undefined, KernelInfo>();

/** Of the kernel with these configs, which a test named; without them of the run's. */
export function kernelInfo(named: string | undefined): KernelInfo {
  const before = known.get(named);
  if (before !== undefined) return before;
  const { name, options } = kernelUnderTest(named);
  const config = KernelConfig.fromRecord(options);
  const { time, memory } = config.slowness;
  const slowness = { time: time * (workerSettings().patience ?? 1), memory };
  const info = { name, config, slowness };
  known.set(named, info);
  return info;
}

export function kernelUnderTest(named: string | undefined): KernelUnderTest {
  const { kernel, namedKernels } = workerSettings();
  const found = named === undefined ? kernel : namedKernels[named];
  if (found === undefined) throw new RexTestError(`the kernel ${named} was not prepared`);
  return found;
}
