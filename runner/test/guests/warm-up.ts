// SPDX-License-Identifier: MIT
// What a guest does before others are forked from it. QEMU translates guest code when it first runs; what is run here is
// translated once for all of them. It leaves nothing behind that a test could take for its own: programs come and go, none of them
// panics, and no exit record is made.
import { setTimeout as sleep } from "node:timers/promises";
import type { AttachTarget, MethodName, Methods } from "../../protocol/generated.ts";
import { RexTestError } from "../../support/errors.ts";
import { rex } from "../programs/templates.ts";
import { GuestRefusalError } from "../rpc/call-errors.ts";
import { holdingsRequest } from "../worker/holdings.ts";
import type { CallLimits, Guest } from "./guest.ts";

/** Does a little of what most programs of specs do. */
export const warmUpSource = rex.program("warm_up")`#![no_std]
#![no_main]

use rex::kprobe::kprobe;
use rex::map::{RexArrayMap, RexHashMap};
use rex::perf_event::{bpf_perf_event_data, perf_event};
use rex::pt_regs::PtRegs;
use rex::sched_cls::{__sk_buff, TC_ACT_OK, sched_cls};
use rex::xdp::{XDP_PASS, xdp, xdp_md};
use rex::{Result, rex_kprobe, rex_map, rex_perf_event, rex_tc, rex_xdp};

#[rex_map]
static COUNTS: RexArrayMap<u64> = RexArrayMap::new(4, 0);
#[rex_map]
static NAMES: RexHashMap<u32, u64> = RexHashMap::new(4, 0);

fn count(key: u32) -> Result {
    let count = COUNTS.get(&key).ok_or(-1)?;
    COUNTS.insert(&key, &(count + 1))?;
    NAMES.insert(&key, &count)
}

#[rex_kprobe(function = "__x64_sys_dup")]
fn call(_: &kprobe, ctx: &mut PtRegs) -> Result {
    count(ctx.syscall_regs()?.args()[0] as u32 % 4)
}

#[rex_xdp]
fn packet(_: &xdp, _ctx: &mut xdp_md) -> Result {
    count(3)?;
    Ok(XDP_PASS as i32)
}

#[rex_tc]
fn queued(_: &sched_cls, _ctx: &mut __sk_buff) -> Result {
    count(2)?;
    Ok(TC_ACT_OK as i32)
}

#[rex_perf_event]
fn clock(_: &perf_event, _ctx: &bpf_perf_event_data) -> Result {
    count(1)
}
`;

/** What runs the second time is translated with what was learnt in the first. */
const rounds = 2;
const pollMs = 10;
/** For the kernel to free what was unloaded. One that does not is what tests are there to find. */
const freeLimitMs = 5_000;
/** One that does not arrive is what tests are there to find. */
const packetLimitMs = 100;
const packet = Buffer.alloc(64).toString("base64");

/** `object`: what was made of the source, in base64; without it only what the agent does by itself is warmed up. */
export async function warmUp(guest: Guest, object: string | undefined, limits: CallLimits): Promise<void> {
  // A call that fails, and that no program notices unless it is attached to it.
  const calls = [{ syscall: "dup", args: ["9999"] }];
  const trigger = () => guest.call("trigger", { calls, timeoutMs: limits.timeoutMs }, limits);
  const held = await heldPrograms(guest, limits);
  for (let round = 0; round < rounds; round++) {
    await guest.call("holdings", holdingsRequest, limits);
    await trigger();
    if (object !== undefined) await runPrograms(guest, object, trigger, limits);
    await guest.call("exits", { sinceSeq: 0 }, limits);
    await guest.call("logSync", {}, limits);
    await guest.call("ping", {}, limits);
  }
  // The kernel frees programs after a grace period.
  const giveUpAt = performance.now() + freeLimitMs;
  while ((await heldPrograms(guest, limits)) !== held) {
    if (performance.now() > giveUpAt)
      throw new RexTestError("the programs that warmed the guest up were not freed in time");
    await sleep(pollMs);
  }
}

/** What the kernel holds of programs, in a text that can be compared. */
async function heldPrograms(guest: Guest, limits: CallLimits): Promise<string> {
  const { progs, maps, links, rexStats } = await guest.call("inventory", {}, limits);
  const { programs, objects } = rexStats ?? {};
  return JSON.stringify({
    programs,
    objects,
    ids: [progs, maps, links].map((of) => of.map(({ id }) => id)),
  });
}

type Call = <M extends MethodName>(method: M, params: Methods[M]["params"]) => Promise<Methods[M]["result"]>;

async function runPrograms(
  guest: Guest,
  object: string,
  trigger: () => Promise<unknown>,
  limits: CallLimits,
): Promise<void> {
  const call: Call = (method, params) => guest.call(method, params, limits);
  const loaded = await call("load", { name: "warm_up", object });
  const handle = (name: string) => loaded.programs.find((program) => program.name === name)?.program ?? 0;
  const attach = async (name: string, target?: AttachTarget) =>
    (await call("attach", { program: handle(name), ...(target === undefined ? {} : { target }) })).link;
  const links = [
    await attach("call"),
    await attach("clock", { kind: "perfEvent", event: "cpu-clock", samplePeriod: "1000000" }),
  ];
  await trigger();
  await call("exits", { sinceSeq: 0 });
  const [map] = loaded.maps;
  if (map !== undefined) await call("mapGet", { map: map.map, key: "AAAAAA==" });
  for (const link of links) await call("detach", { link });
  await call("testRun", { program: handle("packet"), dataIn: packet });
  await sendPackets(call, attach);
  await call("unload", { object: loaded.object });
}

/** Through a pair of devices, to programs in each place where packets are judged. Kernels may be without. */
async function sendPackets(
  call: Call,
  attach: (name: string, target: AttachTarget) => Promise<number>,
): Promise<void> {
  const [device, peer] = ["warm0", "warm1"];
  const places: readonly (readonly [string, AttachTarget])[] = [
    ["packet", { kind: "xdp", device: peer, mode: "generic" }],
    ["packet", { kind: "xdp", device: peer, mode: "native" }],
    ["queued", { kind: "tcx", device: peer, direction: "ingress" }],
    ["queued", { kind: "tcx", device, direction: "egress" }],
  ];
  const exchange = {
    send: { device, frames: [packet] },
    receive: [{ device: peer, count: 1 }],
    timeoutMs: packetLimitMs,
  };
  try {
    await call("vethAdd", { name: device, peer });
    try {
      for (const [program, target] of places) {
        const link = await attach(program, target);
        await call("packets", exchange);
        await call("detach", { link });
      }
    } finally {
      await call("netRemove", { name: device });
    }
  } catch (error) {
    if (!(error instanceof GuestRefusalError)) throw error;
  }
}
