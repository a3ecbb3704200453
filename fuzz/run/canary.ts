// SPDX-License-Identifier: MIT
// A program that is loaded before the others and stays. It has nothing to do with them, so whatever becomes of them, it goes on.

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
  readonly #api: GuestApi;
  #sum = 0n;
  #calls = 0n;

  private constructor(program: Program, api: GuestApi) {
    this.#program = program;
    this.#api = api;
  }

  static async release(calls: GuestCalls, api: GuestApi, base64: string): Promise<Canary> {
    const loaded = await calls.call("load", { name: "canary", object: base64 });
    const program = new Program(calls, api, "canary", loaded);
    await program.attach();
    return new Canary(program, api);
  }

  async isWell(): Promise<boolean> {
    this.#calls += 1n;
    this.#sum += this.#calls;
    const run = await this.#api.syscall(syscall, 999, this.#calls);
    const sum = await this.#program.map("SUM", { key: u32, value: u64 }).get(0);
    return run.errnoName === "EINVAL" && run.exits.length === 0 && sum === this.#sum;
  }

  async withdraw(): Promise<void> {
    await this.#program.unload();
  }
}
