// SPDX-License-Identifier: MIT
// Where the guests of a run come from, and how many clones may wait for their tests.
import { readFileSync } from "node:fs";
import { freemem } from "node:os";
import { BootProvider } from "./boot-provider.ts";
import { CloneProvider } from "./clone-provider.ts";
import type { GuestProvider, GuestWay } from "./guest.ts";
import type { GuestBase } from "./guest-machine.ts";

/** Of a QEMU that waits, not counting what clones share. */
const waitingBytes = 48 * 1024 * 1024;
/** Of the memory that is available when the run begins. */
const poolShare = 1 / 8;
/** Of a machine that waits to be forked, not counting what it shares with clones. */
const sourceBytes = 128 * 1024 * 1024;
const mostSources = 6;

export interface ProviderWish {
  readonly guests: GuestWay;
  readonly jobs: number;
  readonly signal: AbortSignal;
}

export function chooseProvider(
  wish: ProviderWish,
  base: GuestBase,
  onNotice: (line: string) => void,
): GuestProvider {
  if (wish.guests === "boot") return new BootProvider(base);
  if (base.accelerator !== "tcg") {
    // The clocks of a restored KVM guest are the host kernel's affair, and a boot is quick there.
    onNotice("guests are booted, not cloned: clones are made with TCG only");
    return new BootProvider(base);
  }
  const poolSize = clonesThatMayWait(wish.jobs, availableBytes());
  const mostForkSources = wish.guests === "fork" ? sourcesThatMayWait(availableBytes()) : 0;
  return new CloneProvider({ base, poolSize, mostForkSources, signal: wish.signal, onNotice });
}

/** One for each guest at a time, as far as memory allows. */
export function clonesThatMayWait(jobs: number, available: number): number {
  return Math.min(jobs, Math.floor((available * poolShare) / waitingBytes));
}

/** Kinds of machines that are forked in one run. */
export function sourcesThatMayWait(available: number): number {
  return Math.min(mostSources, Math.floor((available * poolShare) / sourceBytes));
}

/** What new programs can have without swapping; less than that is free, because caches can be dropped. */
function availableBytes(): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}
