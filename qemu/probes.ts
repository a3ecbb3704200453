// SPDX-License-Identifier: MIT
// Bounded probe boots: does KVM really run guests here, and what is the TSC frequency of this host? Opening /dev/kvm
// proves nothing: in some nested machines KVM creates guests that then crawl for minutes.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import type { Accelerator, Machine, MachineType } from "./machine.ts";
import { hostBootId, hostIdentity, remembered } from "./probe-cache.ts";
import { type MachineEnd, VirtualMachine } from "./virtual-machine.ts";

/** A healthy KVM boots the same kernel in well under a second; one that crawls does not reach user space in this time. */
const kvmProbeLimitMs = 4_000;
const tcgProbeLimitMs = 30_000;

export type AcceleratorWish = "auto" | Accelerator;

export interface AcceleratorAnswer {
  readonly accelerator: Accelerator;
  /** For the reader: why this one. */
  readonly reason: string;
}

export interface ProbeImages {
  readonly kernel: string;
  readonly initrd: string;
}

export interface ProbeOptions {
  readonly signal: AbortSignal;
  /** Told before a probe boot starts, never for a remembered answer. */
  readonly onProbe?: (what: string) => void;
}

/** Settles "auto"; an explicit wish is taken at its word. */
export async function chooseAccelerator(
  wish: AcceleratorWish,
  images: ProbeImages,
  options: ProbeOptions,
): Promise<AcceleratorAnswer> {
  if (wish !== "auto") return { accelerator: wish, reason: `--accel ${wish}` };
  if (
    !(await access("/dev/kvm", constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    ))
  ) {
    return { accelerator: "tcg", reason: "/dev/kvm is absent or not yours to use" };
  }
  const machine = probeMachine(images);
  const answer = await remembered(
    "accelerator",
    await hostIdentity(),
    isAcceleratorAnswer,
    async (): Promise<AcceleratorAnswer | undefined> => {
      options.onProbe?.(`does KVM work here? (one boot, at most ${kvmProbeLimitMs / 1000} s)`);
      const withKvm = await probeBoot({ ...machine, accelerator: "kvm" }, kvmProbeLimitMs, options.signal);
      if (withKvm.ok) return { accelerator: "kvm", reason: `a KVM guest booted in ${withKvm.ms} ms` };
      // Blame KVM only when the same kernel boots without it: it may be the kernel that is broken.
      const without = await probeBoot({ ...machine, accelerator: "tcg" }, tcgProbeLimitMs, options.signal);
      return without.ok ? { accelerator: "tcg", reason: `KVM is of no use here, ${withKvm.why}` } : undefined;
    },
  );
  return answer ?? { accelerator: "tcg", reason: "the probe guest boots neither with KVM nor without" };
}

/** The host's TSC frequency in kHz, from what a PC guest measures against its PIT; undefined when it can't tell. */
export async function findTscKhz(
  accelerator: Accelerator,
  images: ProbeImages,
  options: ProbeOptions,
): Promise<number | undefined> {
  const dependsOn = [...(await hostIdentity()), await hostBootId(), accelerator];
  const answer = await remembered("tsc-khz", dependsOn, isTscAnswer, async () => {
    options.onProbe?.("how fast is the TSC? (one boot)");
    const line = /tsc: Detected ([\d.]+) MHz processor/;
    const { match } = await bootUntil(
      { ...probeMachine(images), accelerator },
      line,
      tcgProbeLimitMs,
      options.signal,
    );
    return match?.[1] === undefined ? undefined : { khz: Math.round(Number(match[1]) * 1000) };
  });
  return answer?.khz;
}

/** microvm needs the TSC frequency told; without it (and with KVM, where booting is quick anyway) a PC boots for certain. */
export function machineTypeFor(tscKhz: number | undefined): MachineType {
  return tscKhz === undefined ? "q35" : "microvm";
}

function probeMachine(images: ProbeImages): Omit<Machine, "accelerator"> {
  return { type: "q35", cpus: 1, memoryMiB: 128, agentPort: "unused", ...images, consoleLogLevel: 8 };
}

type ProbeResult = { readonly ok: true; readonly ms: number } | { readonly ok: false; readonly why: string };

/** Whether the kernel gets as far as its init within the limit. */
async function probeBoot(machine: Machine, limitMs: number, signal: AbortSignal): Promise<ProbeResult> {
  const startedAt = performance.now();
  const { match, end } = await bootUntil(machine, /rex-agent|Run \S+ as init/, limitMs, signal);
  if (match) return { ok: true, ms: Math.round(performance.now() - startedAt) };
  if (end?.kind === "qemu-failed")
    return { ok: false, why: `QEMU gave up: ${end.stderr.split("\n")[0] ?? "without a word"}` };
  return {
    ok: false,
    why: end ? `the guest ended (${end.kind})` : `the guest did not boot within ${limitMs} ms`,
  };
}

interface Boot {
  /** What the console said that was waited for. */
  readonly match?: RegExpExecArray;
  /** How the machine ended instead; absent when the limit came first. */
  readonly end?: MachineEnd;
}

async function bootUntil(
  machine: Machine,
  wanted: RegExp,
  limitMs: number,
  signal: AbortSignal,
): Promise<Boot> {
  await using vm = await VirtualMachine.start(machine, { signal });
  const found = Promise.withResolvers<Boot>();
  const timer = setTimeout(() => found.resolve({}), limitMs);
  const stopListening = vm.console.onLine((line) => {
    const match = wanted.exec(line);
    if (match) found.resolve({ match });
  });
  try {
    const result = await Promise.race([found.promise, vm.ended.then((end): Boot => ({ end }))]);
    signal.throwIfAborted();
    return result;
  } finally {
    clearTimeout(timer);
    stopListening();
  }
}

function isAcceleratorAnswer(value: unknown): value is AcceleratorAnswer {
  if (typeof value !== "object" || value === null || !("accelerator" in value) || !("reason" in value))
    return false;
  return (value.accelerator === "kvm" || value.accelerator === "tcg") && typeof value.reason === "string";
}

/** In kHz. A guest that is told nonsense waits for ever. */
function isFrequency(value: unknown): boolean {
  return typeof value === "number" && value >= 100_000 && value <= 100_000_000;
}

function isTscAnswer(value: unknown): value is { khz: number } {
  return typeof value === "object" && value !== null && "khz" in value && isFrequency(value.khz);
}
