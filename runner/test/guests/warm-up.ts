// SPDX-License-Identifier: MIT
// What a guest does before others are forked from it. QEMU translates guest code when it first runs; what is run here is
// translated once for all of them. It leaves nothing behind that a test could take for its own: programs come and go, none of them
// panics, and no exit record is made.
import { setTimeout as sleep } from "node:timers/promises";
import { RexTestError } from "../../support/errors.ts";
import { rex } from "../programs/templates.ts";
import { holdingsRequest } from "../worker/holdings.ts";
import type { CallLimits, Guest } from "./guest.ts";

/** Does a little of what most programs of specs do. */
export const warmUpSource = rex.program("warm_up")`#![no_std]
#![no_main]

use rex::kprobe::kprobe;
use rex::map::{RexArrayMap, RexHashMap};
use rex::pt_regs::PtRegs;
use rex::xdp::{XDP_PASS, xdp, xdp_md};
use rex::{Result, rex_kprobe, rex_map, rex_xdp};

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
`;

/** What runs the second time is translated with what was learnt in the first. */
const rounds = 2;
const pollMs = 10;
/** For the kernel to free what was unloaded. One that does not is what tests are there to find. */
const freeLimitMs = 5_000;
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

async function runPrograms(
  guest: Guest,
  object: string,
  trigger: () => Promise<unknown>,
  limits: CallLimits,
): Promise<void> {
  const loaded = await guest.call("load", { name: "warm_up", object }, limits);
  const handle = (name: string) => loaded.programs.find((program) => program.name === name)?.program ?? 0;
  const { link } = await guest.call("attach", { program: handle("call") }, limits);
  await trigger();
  await guest.call("exits", { sinceSeq: 0 }, limits);
  const [map] = loaded.maps;
  if (map !== undefined) await guest.call("mapGet", { map: map.map, key: "AAAAAA==" }, limits);
  await guest.call("detach", { link }, limits);
  await guest.call("testRun", { program: handle("packet"), dataIn: packet }, limits);
  await guest.call("unload", { object: loaded.object }, limits);
}
