// SPDX-License-Identifier: MIT
// `t.kernel`: what is known of the kernel under test before it boots.
import { KernelConfig, type Slowness } from "../../kernel/config.ts";
import { workerSettings } from "./host-link.ts";

export interface KernelInfo {
  /** The folder's name, <version>-<config>-<key>. */
  readonly name: string;
  /** `t.kernel.config.has("DEBUG_KMEMLEAK")` */
  readonly config: KernelConfig;
  /** How much slower and bigger this kernel is than the default one. Limits of tests and calls are scaled already. */
  readonly slowness: Slowness;
}

let known: KernelInfo | undefined;

export function kernelInfo(): KernelInfo {
  if (known === undefined) {
    const { name, options } = workerSettings().kernel;
    const config = KernelConfig.fromRecord(options);
    known = { name, config, slowness: config.slowness };
  }
  return known;
}
