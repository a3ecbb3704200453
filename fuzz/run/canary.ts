// SPDX-License-Identifier: MIT
// A program that is loaded before the others and stays. It has nothing to do with them, so whatever becomes of them, it goes on.
import type { TriggerCall } from "../../runner/protocol/generated.ts";
import { rex } from "../../runner/test/programs/templates.ts";
import { u32, u64 } from "../../runner/test/worker/codecs.ts";
import type { GuestApi } from "../../runner/test/worker/guest-api.ts";
import type { GuestCalls } from "../../runner/test/worker/guest-calls.ts";
import { Program } from "../../runner/test/worker/program.ts";

const syscall = "sched_get_priority_max";

/** Sums up the numbers that it is called with, with a helper and a map. */
export const canarySource = rex.kprobe({ function: `__x64_sys_${syscall}`, name: "canary" })`
  #[rex_map]
  static SUM: RexArrayMap<u64> = RexArrayMap::new(1, 0);

  fn canary(program: &kprobe, ctx: &mut PtRegs) -> Result {
    let args = ctx.syscall_regs()?.args();
    assert!(program.bpf_ktime_get_ns() > 0);
    if let Some(mut sum) = SUM.get_mut(&0) {
      sum.fetch_add(args[1]);
    }
    Ok(0)
  }
`;

export class Canary {
  readonly #program: Program;
  readonly #calls: GuestCalls;
  #sum = 0n;
  #rounds = 0n;

  private constructor(program: Program, calls: GuestCalls) {
    this.#program = program;
    this.#calls = calls;
  }

  static async release(calls: GuestCalls, api: GuestApi, base64: string): Promise<Canary> {
    const loaded = await calls.call("load", { name: "canary", object: base64 });
    const program = new Program(calls, api, "canary", loaded);
    await program.attach();
    return new Canary(program, calls);
  }

  async isWell(): Promise<boolean> {
    const outcomes = await this.#calls.call("trigger", { calls: [this.call(1)], barrier: false });
    return outcomes.calls[0]?.errnoName === "EINVAL" && (await this.hasCounted());
  }

  /** Calls that make it work, which whoever makes them has to make; on any CPU if there is none. */
  call(repeat: number, cpu?: number): TriggerCall {
    this.#rounds += 1n;
    this.#sum += this.#rounds * BigInt(repeat);
    const args = ["999", String(this.#rounds)];
    return { syscall, args, repeat, ...(cpu === undefined ? {} : { cpu }) };
  }

  /** Whether it has summed up all that it should. */
  async hasCounted(): Promise<boolean> {
    return (await this.#program.map("SUM", { key: u32, value: u64 }).get(0)) === this.#sum;
  }

  async withdraw(): Promise<void> {
    await this.#program.unload();
  }
}
