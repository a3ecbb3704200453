// SPDX-License-Identifier: MIT
// What it costs to panic instead of returning: the cleanup, the message, the record with its backtrace, and the log.
import { RexTestError } from "../../support/errors.ts";
import { rex } from "../../test/programs/templates.ts";
import type { Benchmark } from "../benchmark.ts";
import type { BenchGuest } from "../guest.ts";
import type { Lab } from "../lab.ts";
import type { ResultTable, Row } from "../result.ts";
import { above, ratio, type Summary, summarise } from "../statistics.ts";

/** What the program does is chosen by the argument of the call that it is attached to. */
const ends = [
  { what: "returns", fd: 998 },
  { what: "panics, constant message", fd: 999 },
  { what: "panics, formatted message", fd: 1000 },
] as const;
const returning = ends[0];
const panicking = ends[1];
const heldCounts = [0, 1, 8] as const;

const holder = (held: number) => rex.kprobe({ function: "__x64_sys_dup", name: "holder" })`
  use rex::task_struct::OwnedTaskStruct;

  fn holder(program: &kprobe, ctx: &mut PtRegs) -> Result {
    let fd = ctx.syscall_regs()?.args()[0];
    let me = program.bpf_get_current_task().ok_or(-1)?.get_pid();
    let held: [_; ${held}] = core::array::from_fn(|_| OwnedTaskStruct::from_pid(me));
    match fd {
      ${returning.fd} => Ok(held.len() as i32),
      ${panicking.fd} => panic!("a message without values"),
      _ => panic!("fd {fd} of task {me} with {} held", held.len()),
    }
  }
`;

/** Panics so many calls deep as the argument says. */
const diver = rex.kprobe({ function: "__x64_sys_dup", name: "diver" })`
  #[inline(never)]
  fn down(left: u64) -> u64 {
    assert!(left > 0);
    core::hint::black_box(down(left - 1)) + 1
  }

  fn diver(_: &kprobe, ctx: &mut PtRegs) -> Result {
    let fd = ctx.syscall_regs()?.args()[0];
    Ok(if fd < 1000 { down(fd) as i32 } else { 0 })
  }
`;
const depths = [1, 8, 15] as const;

const clocks = [
  { counted: true, unit: "instructions", perNs: 1 },
  { counted: false, unit: "µs", perNs: 1e-3 },
] as const;
type Clock = (typeof clocks)[number];

/** The kernel logs so many exits in so long, see rex_exit_ratelimit in exit.c; the others only make a record. */
const loggedExits = 20;
const logWindowSeconds = 5;
/** Runs in a sample: at the turn of a window all logged exits are in one or two of the samples. */
const runsPerSample = 20;

export const panic: Benchmark = {
  name: "panic",
  title: "what does a panic cost, and what of it is the cleanup, the message, the log?",
  run: async (lab) => {
    const tables: ResultTable[] = [];
    for (const clock of clocks) {
      tables.push(
        ...(await lab.withGuest({ counted: clock.counted }, (guest) => measure(lab, guest, clock))),
      );
    }
    return tables;
  },
};

async function measure(lab: Lab, guest: BenchGuest, clock: Clock): Promise<ResultTable[]> {
  const bare = await timeEnd(lab, guest, returning.fd, clock);
  const rows: Row[] = [];
  for (const held of heldCounts) {
    const program = await guest.load(holder(held));
    await program.attach();
    await expectEnds(guest);
    await useUpLog(guest);
    let peer: Summary | undefined;
    for (const { what, fd } of ends) {
      lab.step(`${held} held, ${what}, ${clock.unit}`);
      const summary = summarise(above(await timeEnd(lab, guest, fd, clock), bare));
      peer ??= summary;
      rows.push({ what: `${held} held, ${what}`, summary, ratio: ratio(summary, peer) });
    }
    await program.unload();
  }
  const notLogged: ResultTable = {
    title: "one run, on top of the call it is attached to; exits not logged",
    unit: clock.unit,
    ratioTo: "the return with as much held",
    rows,
  };
  return [notLogged, await measureDepth(lab, guest, clock, bare), await measureLog(lab, guest, clock, bare)];
}

async function measureDepth(
  lab: Lab,
  guest: BenchGuest,
  clock: Clock,
  bare: readonly number[],
): Promise<ResultTable> {
  const program = await guest.load(diver);
  await program.attach();
  await useUpLog(guest, depths[0]);
  const rows: Row[] = [];
  let peer: Summary | undefined;
  for (const depth of depths) {
    lab.step(`a panic ${depth} calls deep, ${clock.unit}`);
    const [exit] = (await guest.api.syscall("dup", depth)).exits;
    if (exit?.reason !== "panic")
      throw new RexTestError("a panic was to be measured", { outcome: "failure" });
    const summary = summarise(above(await timeEnd(lab, guest, depth, clock), bare));
    peer ??= summary;
    rows.push({ what: `${exit.frames.length} frames`, summary, ratio: ratio(summary, peer) });
  }
  await program.unload();
  return {
    title: "one panic, by the length of its backtrace; exits not logged",
    unit: clock.unit,
    ratioTo: "the shortest backtrace",
    rows,
  };
}

async function measureLog(
  lab: Lab,
  guest: BenchGuest,
  { unit, perNs }: Clock,
  bare: readonly number[],
): Promise<ResultTable> {
  const program = await guest.load(holder(0));
  await program.attach();
  const timed = async (samples: number) => {
    const times = await guest.timeCalls({ syscall: "dup", args: [panicking.fd], samples });
    return summarise(
      above(
        times.map((ns) => ns * perNs),
        bare,
      ),
    );
  };
  const rows: Row[] = [];
  await useUpLog(guest);
  const silent = await timed(loggedExits);
  rows.push({ what: "not logged", summary: silent, ratio: ratio(silent, silent) });
  for (const { what, level } of [
    { what: "into the log's buffer", level: 1 },
    { what: "onto the serial console as well", level: 8 },
  ]) {
    lab.step(`an exit ${what}, ${unit}`);
    await guest.api.writeFile("/proc/sys/kernel/printk", `${level}\n`);
    await waitForLog(guest);
    const summary = await timed(loggedExits);
    rows.push({ what, summary, ratio: ratio(summary, silent) });
  }
  await program.unload();
  return { title: "one panic, constant message", unit, ratioTo: "the panic that is not logged", rows };
}

async function timeEnd(lab: Lab, guest: BenchGuest, fd: number, { perNs }: Clock): Promise<number[]> {
  const samples = lab.samples(64);
  const times = await guest.timeCalls({ syscall: "dup", args: [fd], repeat: runsPerSample, samples });
  return times.map((ns) => ns * perNs);
}

/** Each argument leads to the end that it stands for. */
async function expectEnds(guest: BenchGuest): Promise<void> {
  for (const { what, fd } of ends) {
    const { exits } = await guest.api.syscall("dup", fd);
    const wanted = fd === returning.fd ? "" : "panic";
    const found = exits.map(({ reason }) => reason).join();
    if (found === wanted) continue;
    throw new RexTestError(`the program that ${what} ended with ${found || "a return"}`, {
      outcome: "failure",
    });
  }
}

async function useUpLog(guest: BenchGuest, fd: number = panicking.fd): Promise<void> {
  await guest.timeCalls({ syscall: "dup", args: [fd], repeat: 2 * loggedExits, samples: 1 });
}

/** Until the kernel logs exits again: by the guest's clock, which is not the host's. */
async function waitForLog(guest: BenchGuest): Promise<void> {
  const time = Buffer.alloc(16);
  time.writeBigUInt64LE(BigInt(logWindowSeconds), 0);
  time.writeBigUInt64LE(100_000_000n, 8);
  await guest.api.syscall("nanosleep", time, 0, { timeoutMs: 30_000 });
}
