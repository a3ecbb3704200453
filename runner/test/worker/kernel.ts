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

/** Under a debugger limits are hours. */
const patience = 1_000;

let known: KernelInfo | undefined;

export function kernelInfo(): KernelInfo {
  if (known === undefined) {
    const { kernel, debugging } = workerSettings();
    const config = KernelConfig.fromRecord(kernel.options);
    const { time, memory } = config.slowness;
    known = { name: kernel.name, config, slowness: { time: debugging ? time * patience : time, memory } };
  }
  return known;
}
