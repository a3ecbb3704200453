// SPDX-License-Identifier: MIT
// The kernels of a run: the one that it was asked for, and those that single tests name (`kernel: "lockdep"`). Each has guests and
// a compiler of its own, because limits, memory and headers are the kernel's.
import type { Progress } from "../../support/progress.ts";
import { chooseProvider } from "../guests/choose-provider.ts";
import type { GuestProvider, GuestRequest, StartContext, StartResult } from "../guests/guest.ts";
import type { ProgramCompiler } from "../host/guest-host.ts";
import type { KernelUnderTest } from "../host/protocol.ts";
import type { CompileResult } from "../programs/compiler.ts";
import type { CompilableSource } from "../programs/source.ts";
import type { PlannedTest } from "./plan.ts";
import { type Prepared, prepare } from "./prepare.ts";
import type { RunSettings } from "./settings.ts";

export interface PreparedKernels {
  /** Of tests that name none. */
  readonly main: Prepared;
  /** By the configs that tests name. */
  readonly named: ReadonlyMap<string, Prepared>;
}

/** Kernels are prepared one after the other: one that has to be built takes all CPUs. */
export async function prepareNamedKernels(
  tests: readonly PlannedTest[],
  settings: RunSettings,
  progress: Progress,
): Promise<PreparedKernels["named"]> {
  const named = new Map<string, Prepared>();
  for (const config of new Set(tests.map(({ kernel }) => kernel))) {
    if (config === undefined) continue;
    const wish = { ...settings, config, kernel: undefined, kernelTree: undefined };
    // Their programs are compiled when they are asked for: few tests name a kernel.
    named.set(config, await prepare(wish, [], progress));
  }
  return named;
}

export function kernelUnderTest({ kernel: { name, path, config } }: Prepared): KernelUnderTest {
  return { name, path, options: config.toRecord() };
}

/** Guests of all kernels, and programs for them. */
export class KernelGuests implements GuestProvider, ProgramCompiler {
  readonly #kernels: PreparedKernels;
  readonly #main: GuestProvider;
  readonly #named: ReadonlyMap<string, GuestProvider>;

  constructor(kernels: PreparedKernels, settings: RunSettings, onNotice: (line: string) => void) {
    const provider = (prepared: Prepared) =>
      settings.provider?.(prepared) ?? chooseProvider(settings, prepared.guests, onNotice);
    this.#kernels = kernels;
    this.#main = provider(kernels.main);
    this.#named = new Map([...kernels.named].map(([config, prepared]) => [config, provider(prepared)]));
  }

  start(request: GuestRequest, context: StartContext): Promise<StartResult> {
    return this.#of(request.kernel, this.#main, this.#named).start(request, context);
  }

  compile(source: CompilableSource, kernel?: string): Promise<CompileResult> {
    const { main, named } = this.#kernels;
    return this.#of(kernel, main, named).compiler.compile(source);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const provider of [this.#main, ...this.#named.values()]) await provider[Symbol.asyncDispose]();
  }

  #of<T>(kernel: string | undefined, main: T, named: ReadonlyMap<string, T>): T {
    if (kernel === undefined) return main;
    const found = named.get(kernel);
    if (found === undefined) throw new Error(`the kernel ${kernel} was not prepared`);
    return found;
  }
}
