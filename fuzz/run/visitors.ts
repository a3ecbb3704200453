// SPDX-License-Identifier: MIT
// The programs that come in between while others run, see model/schedule.ts. They have nothing to do with the others, and are known to end
// as they are told.
import type { ExitRecord } from "../../runner/protocol/generated.ts";
import { u32, u64 } from "../../runner/test/worker/codecs.ts";
import type { RexMap } from "../../runner/test/worker/map.ts";
import { Program } from "../../runner/test/worker/program.ts";
import { type Deed, deeds, type Schedule, type Visitor } from "../model/schedule.ts";
import type { Site } from "./execute.ts";
import { isLack, Pressure } from "./pressure.ts";
import type { Complaint } from "./trial.ts";

export const visitorsName = "visitors";

/** Its programs look in CONTROL for what they are to do, and how often they may still do it. */
export const visitorsText = `#![no_std]
#![no_main]
extern crate rex;
use core::hint::black_box;
use rex::{kprobe::kprobe, map::*, perf_event::*, pt_regs::PtRegs, rex_kprobe, rex_map, rex_perf_event, Result};
#[rex_map] static CONTROL: RexArrayMap<u64> = RexArrayMap::new(6, 0);
#[rex_map] static RECORDS: RexRingBuf = RexRingBuf::new(4096, 0);
#[inline(never)] fn deeper(level: u64) -> u64 { let frame = black_box([level; 64]); frame[(level % 64) as usize].wrapping_add(deeper(level + 1)) }
fn act(who: u32) {
  let Some(mut left) = CONTROL.get_mut(&(2 * who + 1)) else { return };
  let deed = CONTROL.get(&(2 * who)).unwrap_or(0);
  if deed == 0 || *left == 0 { return }
  if left.fetch_add(u64::MAX) as i64 <= 0 { return }
  let held = if deed == 2 { RECORDS.reserve(8) } else { None };
  if deed == 2 && held.is_none() { return }
  if deed == 3 { black_box(deeper(1)); }
  panic!("visiting");
}
#[rex_perf_event]
fn clock(_: &perf_event, _ctx: &bpf_perf_event_data) -> Result { act(0); Ok(0) }
#[rex_kprobe(function = "htab_map_lookup_elem")]
fn lookup(_: &kprobe, _ctx: &mut PtRegs) -> Result { act(1); Ok(0) }
#[rex_kprobe(function = "__x64_sys_sched_get_priority_min")]
fn passer(_: &kprobe, _ctx: &mut PtRegs) -> Result { Ok(0) }
`;

export const visitorsSource = { kind: "inline", name: visitorsName, text: visitorsText } as const;

/** To load an object and unload it takes as long as many runs. */
const reloadEvery = 5;

/** Deeds in a chunk of runs: their records must not push out those of the programs. */
export const deedsAtMost = 12;

/** Where in CONTROL the deed of each is; behind it is how often. */
export const controls = { clock: 0, lookup: 2 } as const;
/** Behind the call of ftrace at its beginning, with or without an ENDBR, a function can only be probed by a breakpoint: at the level of an NMI. */
export const lookupOffsets = ["5", "9"] as const;

/** Else it becomes a jump after some milliseconds, at the level of the program that it interrupts, where no other one runs. */
export const noJumps = ["/proc/sys/debug/kprobes-optimization", "0"] as const;

export function clockTarget(visitor: Extract<Visitor, { kind: "clock" }>, cpus: number) {
  const samplePeriod = String(visitor.periodUs * 1_000);
  return { kind: "perfEvent", event: "cpu-clock", samplePeriod, cpu: visitor.cpu % cpus } as const;
}

export class Visitors implements AsyncDisposable {
  readonly schedule: Schedule;
  readonly #site: Site;
  readonly #object: string;
  readonly #program: Program;
  readonly #control: RexMap<number, bigint>;
  readonly #reloads: boolean;
  readonly #pressure: Pressure | undefined;
  #happenings = 0;

  private constructor(
    site: Site,
    object: string,
    schedule: Schedule,
    { program, pressure }: { readonly program: Program; readonly pressure: Pressure | undefined },
  ) {
    this.schedule = schedule;
    this.#pressure = pressure;
    this.#site = site;
    this.#object = object;
    this.#program = program;
    this.#reloads = schedule.visitors.some(({ kind }) => kind === "reload");
    this.#control = program.map("CONTROL", { key: u32, value: u64 });
  }

  static async invite(site: Site, object: string, schedule: Schedule): Promise<Visitors> {
    const { calls, api, cpus } = site;
    const memory = schedule.visitors.find((visitor) => visitor.kind === "memory");
    const pressure = memory && (await Pressure.prepare(api, calls.config, memory.percent));
    const loaded = await calls.call("load", { name: visitorsName, object });
    const program = new Program(calls, api, visitorsName, loaded);
    const visitors = new Visitors(site, object, schedule, { program, pressure });
    try {
      for (const visitor of schedule.visitors) await visitors.#attach(visitor, cpus);
    } catch (error) {
      await program.unload();
      throw error;
    }
    return visitors;
  }

  async #attach(visitor: Visitor, cpus: number): Promise<void> {
    if (visitor.kind === "clock")
      await this.#program.attach({ name: "clock", target: clockTarget(visitor, cpus) });
    if (visitor.kind !== "lookup") return;
    await this.#site.api.writeFile(...noJumps);
    const [first, second] = lookupOffsets.map((offset) => {
      const target = { kind: "kprobe", symbol: "htab_map_lookup_elem", offset } as const;
      return () => this.#program.attach({ name: "lookup", target });
    });
    await first?.().catch(second);
  }

  /** They may do so many deeds from now on; there is memory enough when they may do none. */
  async allow(count: number): Promise<void> {
    await this.#pressure?.set(count > 0);
    for (const visitor of this.schedule.visitors) {
      if (!("deed" in visitor)) continue;
      const at = controls[visitor.kind];
      await this.#control.set(at + 1, BigInt(count));
      await this.#control.set(at, BigInt(deeds.indexOf(visitor.deed)));
    }
  }

  /** While something happens an object comes and goes, now and then, if that is in the schedule. */
  async during<T>(happening: Promise<T>): Promise<T> {
    happening.catch(() => undefined); // awaited below
    this.#happenings += 1;
    if (this.#reloads && this.#happenings % reloadEvery === 1)
      await this.#comeAndGo().catch((error: unknown) => {
        if (this.#pressure === undefined || !isLack(error)) throw error;
      });
    return happening;
  }

  /** Something that the kernel may refuse for want of memory. */
  async spared<T>(act: () => Promise<T>): Promise<T> {
    return this.#pressure === undefined ? act() : this.#pressure.spare(act);
  }

  async #comeAndGo(): Promise<void> {
    const { calls, api } = this.#site;
    const loaded = await calls.call("load", { name: visitorsName, object: this.#object });
    await using program = new Program(calls, api, visitorsName, loaded);
    await program.attach({ name: "passer" });
  }

  /** What is wrong with how they ended. */
  complaints(records: readonly ExitRecord[]): Complaint[] {
    const deedOf = new Map<string, Deed>(
      this.schedule.visitors.flatMap((one) => ("deed" in one ? [[one.kind, one.deed]] : [])),
    );
    const ids = new Set(this.#program.programs.map(({ id }) => id));
    // Those of earlier visitors may come late.
    const own = records.filter(({ progId }) => ids.has(progId));
    return own.flatMap(({ frames: _, ...record }): Complaint[] => {
      const deed = deedOf.get(record.prog) ?? "return";
      const wanted = endings[deed];
      const got = { reason: record.reason, released: record.released.join() };
      if (wanted.reason === got.reason && wanted.released === got.released) return [];
      const detail = `expected ${JSON.stringify(wanted)}, got ${JSON.stringify(record)}`;
      return [
        { oracle: "prediction", title: `a program in between ended otherwise: ${record.prog}`, detail },
      ];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pressure?.set(false);
    await this.#program.unload();
  }
}

const endings: Readonly<Record<Deed, { readonly reason: string; readonly released: string }>> = {
  return: { reason: "none", released: "" },
  panic: { reason: "panic", released: "" },
  hold: { reason: "panic", released: "ringbuf" },
  overflow: { reason: "stack_overflow", released: "" },
};
