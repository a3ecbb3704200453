// SPDX-License-Identifier: MIT
// A guest that is measured in: what specs have as `t.guest`, with the loading of programs and the timing of calls.
import { readFile } from "node:fs/promises";
import type { LogRecord } from "../protocol/generated.ts";
import { RexTestError } from "../support/errors.ts";
import type { Guest } from "../test/guests/guest.ts";
import type { Compiler } from "../test/programs/compiler.ts";
import type { CompilableSource, ProgramSource } from "../test/programs/source.ts";
import { GuestApi } from "../test/worker/guest-api.ts";
import { GuestCalls } from "../test/worker/guest-calls.ts";
import { Program } from "../test/worker/program.ts";

export interface TimedCalls {
  readonly syscall: string;
  readonly args?: readonly number[];
  /** Calls in a sample; one if not given. Many, where a call is shorter than what it takes to read the clock. */
  readonly repeat?: number;
  readonly samples: number;
  readonly cpu?: number;
}

/** Threads of one request, see the agent's trigger/plan.rs. */
const mostThreads = 64;
const timedCallsLimitMs = 60_000;
const checkedRuns = 10;

export class BenchGuest {
  readonly api: GuestApi;
  readonly calls: GuestCalls;
  readonly #compiler: Compiler;

  constructor(
    guest: Guest,
    log: readonly LogRecord[],
    compiler: Compiler,
    options: { readonly hostTools: boolean; readonly slowness: number; readonly signal: AbortSignal },
  ) {
    const called = {
      hello: guest.hello,
      log,
      call: guest.call.bind(guest),
    };
    this.calls = new GuestCalls(called, options.signal, options.slowness);
    this.api = new GuestApi(this.calls, { hostTools: options.hostTools });
    this.#compiler = compiler;
  }

  async load(source: ProgramSource): Promise<Program> {
    const object = source.kind === "object" ? source.base64 : await this.#compile(source);
    const { name } = source;
    return new Program(this.calls, this.api, name, await this.calls.call("load", { name, object }));
  }

  /** Nanoseconds that a call takes, a number for each sample; in a guest that counts instructions, so many instructions. */
  async timeCalls({ syscall, args = [], repeat = 1, samples, cpu = 0 }: TimedCalls): Promise<number[]> {
    const call = { syscall, args: args.map(String), repeat, cpu };
    const times: number[] = [];
    while (times.length < samples) {
      const threads = Math.min(mostThreads, samples - times.length);
      const params = {
        calls: Array.from({ length: threads }, () => call),
        barrier: false,
        timeoutMs: timedCallsLimitMs,
      };
      const { calls } = await this.calls.call("trigger", params, 2 * timedCallsLimitMs);
      times.push(...calls.map(({ durationNs, count }) => durationNs / count));
    }
    return times;
  }

  /** Whether a program runs once for each call, by the kernel's own count: a hook that is not reached costs nothing. */
  async expectToRun(program: number, calls: Pick<TimedCalls, "syscall" | "args">): Promise<void> {
    await this.api.writeFile("/proc/sys/kernel/bpf_stats_enabled", "1\n");
    const before = await this.#runCount(program);
    await this.timeCalls({ ...calls, repeat: checkedRuns, samples: 1 });
    const runs = (await this.#runCount(program)) - before;
    await this.api.writeFile("/proc/sys/kernel/bpf_stats_enabled", "0\n");
    if (runs === checkedRuns) return;
    throw new RexTestError(`the program ran ${runs} times in ${checkedRuns} calls of ${calls.syscall}`, {
      outcome: "failure",
    });
  }

  async #compile(source: CompilableSource): Promise<string> {
    const compiled = await this.#compiler.compile(source);
    if (compiled.ok) return await readFile(compiled.object, "base64");
    throw new RexTestError(`the program ${source.name} of a benchmark does not compile`, {
      outcome: "failure",
      detail: compiled.rendered,
    });
  }

  async #runCount(program: number): Promise<number> {
    const { progs } = await this.api.inventory();
    return progs.find(({ id }) => id === program)?.runCount ?? 0;
  }
}
