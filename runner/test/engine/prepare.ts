// SPDX-License-Identifier: MIT
// Everything that has to be there before the first test: the kernel, the agent, the initramfs, what QEMU can do here, and the
// programs of all specs, compiled side by side.
import { readFile } from "node:fs/promises";
import { initramfsFor } from "../../../qemu/initramfs.ts";
import { chooseAccelerator, findTscKhz, machineTypeFor } from "../../../qemu/probes.ts";
import { findQemu } from "../../../qemu/virtual-machine.ts";
import { cachePath, dropOrphans } from "../../support/cache.ts";
import type { Progress } from "../../support/progress.ts";
import type { ExtractedProgram } from "../collect/extract-programs.ts";
import type { GuestBase } from "../guests/guest-machine.ts";
import { warmUpSource } from "../guests/warm-up.ts";
import { Compiler } from "../programs/compiler.ts";
import { buildHostTools, type HostTools } from "./host-tools.ts";
import { type ChosenKernel, chooseKernel } from "./kernel-choice.ts";
import type { RunSettings } from "./settings.ts";

export interface Prepared {
  readonly kernel: ChosenKernel;
  readonly guests: GuestBase;
  readonly compiler: Compiler;
  /** What the compiler is, for who has other questions to it. */
  readonly tools: Pick<HostTools, "cargoRex" | "env">;
  /** For the reader: "microvm, TCG (no /dev/kvm)". */
  readonly machine: string;
}

export type PrepareSettings = Pick<
  RunSettings,
  "accelerator" | "bootLimitMs" | "config" | "cwd" | "jobs" | "kernel" | "kernelTree" | "signal"
> &
  Partial<Pick<RunSettings, "guests">>;

export async function prepare(
  settings: PrepareSettings,
  programs: readonly ExtractedProgram[],
  progress: Progress,
): Promise<Prepared> {
  await findQemu();
  const kernel = await chooseKernel(settings, progress);
  const tools = await hostTools(settings.signal, progress);
  for (const section of ["guests", "probes", "programs", "refusals"] as const)
    await dropOrphans(cachePath(section));
  const initrd = await initramfsFor(tools.agent);
  const { guests, machine } = await chooseMachine(settings, kernel, initrd, progress);
  const compiler = new Compiler({
    cargoRex: tools.cargoRex,
    env: tools.env,
    kernelHeaders: kernel.headers,
    jobs: settings.jobs,
    signal: settings.signal,
    onNote: (line) =>
      line === undefined ? progress.drop() : progress.update({ what: "preparing the Rust side", item: line }),
  });
  await compilePrograms(compiler, programs, progress);
  // Where no test has a program, there is nothing to warm up for.
  const isForked = settings.guests === "fork" && programs.length > 0;
  const warmUpObject = isForked ? await compileWarmUp(compiler) : undefined;
  return { kernel, guests: { ...guests, warmUpObject }, compiler, tools, machine };
}

async function hostTools(signal: AbortSignal, progress: Progress): Promise<HostTools> {
  const startedAt = performance.now();
  let compiled = false;
  const tools = await buildHostTools(signal, (item) => {
    // A build that has nothing to do takes half a second and is not worth a line.
    compiled ||= item.includes(":");
    if (compiled || performance.now() - startedAt > 1_000)
      progress.update({ what: "building the host tools", item });
  });
  if (compiled) progress.done();
  return tools;
}

async function chooseMachine(
  settings: PrepareSettings,
  kernel: ChosenKernel,
  initrd: string,
  progress: Progress,
): Promise<{ guests: GuestBase; machine: string }> {
  const images = { kernel: kernel.image, initrd };
  const options = {
    signal: settings.signal,
    onProbe: (what: string) => progress.update({ what: `probing this machine: ${what}` }),
  };
  const { accelerator, reason } = await chooseAccelerator(settings.accelerator, images, options);
  // KVM guests read the frequency from the hypervisor.
  const tscKhz = accelerator === "kvm" ? undefined : await findTscKhz(accelerator, images, options);
  const machineType = machineTypeFor(tscKhz);
  return {
    guests: {
      kernel: kernel.image,
      initrd,
      accelerator,
      machineType,
      tscKhz,
      bootLimitMs: settings.bootLimitMs,
      slowness: kernel.config.slowness,
    },
    machine: `${machineType}, ${accelerator.toUpperCase()}: ${reason}`,
  };
}

/** Without it guests are as good, and slower: that is no reason not to run. */
async function compileWarmUp(compiler: Compiler): Promise<string | undefined> {
  if (warmUpSource.kind !== "inline") return undefined;
  const result = await compiler.compile(warmUpSource);
  return result.ok ? await readFile(result.object, "base64") : undefined;
}

async function compilePrograms(
  compiler: Compiler,
  programs: readonly ExtractedProgram[],
  progress: Progress,
): Promise<void> {
  let done = 0;
  for (const { source, origin } of programs) compiler.locate(source, origin);
  const sources = programs.map(({ source }) => source);
  if (sources.length === 0) return;
  progress.update({ what: "compiling programs", done, total: sources.length });
  let compiled = 0;
  await compiler.compileAll(sources, (source, result) => {
    done += 1;
    if (!result.cached) compiled += 1;
    progress.update({ what: "compiling programs", done, total: sources.length, item: source.name });
  });
  progress.done(`${done}, of which ${done - compiled} were in the cache`);
}
