// SPDX-License-Identifier: MIT
// Promise: programs nest. A kprobe in a task, interrupted by XDP in a soft interrupt, interrupted by a perf event in a hardware
// interrupt: each ends alone, in whichever way, those that it interrupted go on and give what they would have given, and the time
// that others took is not held against them.
import { type Program, type RexMap, rex, rexTest, type TestContext, u32, u64 } from "rex-test";
import { udp } from "../packets.ts";
import { setLimits } from "../termination/limits.ts";
import { type End, endInRust, ending, endingsOf, ends, loadAltered } from "./ends.ts";

const cpu = 1;
/**
 * What is to be ended takes its time, in most of the combinations: as little as a quiet host needs to send a packet. After an attempt that came
 * too late it is twice that, from then on.
 */
const limits = { timeoutMs: 100, tickMs: 10 };
const attemptsAtMost = 7;

/** Indices of STATE: what the three do at their end, whether they are in, whether the first has met the second, whether they came through. */
const at = {
  taskDoes: 0,
  xdpDoes: 1,
  perfDoes: 2,
  taskIn: 3,
  xdpIn: 4,
  perfIn: 5,
  taskMet: 6,
  taskOut: 7,
  xdpOut: 8,
  perfOut: 9,
};
const entries = 10;

const state = `
  #[rex_map]
  static STATE: RexArrayMap<u64> = RexArrayMap::new(${entries}, 0);

  fn get(index: u32) -> u64 {
    STATE.get(&index).unwrap_or(0)
  }

  ${endInRust}
`;

const task = rex.kprobe({ function: "__x64_sys_dup", name: "task" })`${state}
  fn task(_: &kprobe, ctx: &mut PtRegs) -> Result {
    if ctx.syscall_regs()?.args()[0] != 999 {
      return Ok(0);
    }
    STATE.insert(&${at.taskIn}, &1)?;
    while get(${at.xdpIn}) == 0 {}
    STATE.insert(&${at.taskMet}, &1)?;
    end(get(${at.taskDoes}));
    STATE.insert(&${at.taskOut}, &1)
  }
`;

const xdp = rex.xdp({ name: "packet" })`${state}
  fn packet(_: &xdp, _ctx: &mut xdp_md) -> Result {
    if get(${at.taskIn}) == 0 || get(${at.xdpIn}) != 0 {
      return Ok(XDP_PASS as i32);
    }
    STATE.insert(&${at.xdpIn}, &1)?;
    while get(${at.perfIn}) == 0 {}
    end(get(${at.xdpDoes}));
    STATE.insert(&${at.xdpOut}, &1)?;
    Ok(XDP_PASS as i32)
  }
`;

const perf = rex.perfEvent({ name: "clock" })`${state}
  fn clock(_: &perf_event, _ctx: &bpf_perf_event_data) -> Result {
    if get(${at.xdpIn}) == 0 || get(${at.perfIn}) != 0 {
      return Ok(0);
    }
    STATE.insert(&${at.perfIn}, &1)?;
    end(get(${at.perfDoes}));
    STATE.insert(&${at.perfOut}, &1)
  }
`;

interface Stage {
  readonly t: TestContext;
  readonly task: Program;
  readonly state: RexMap<number, bigint>;
  readonly from: string;
  readonly to: string;
  readonly tickMs: number;
  timeoutMs: number;
  /** How often the kernel has skipped the kprobe's program, as was seen last. */
  skips: number;
}

async function setUp(t: TestContext): Promise<Stage> {
  await setLimits(t, limits);
  const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
  // What arrives there is received by the CPU that the kprobe is on, whoever sent it.
  await t.guest.writeFile(`/sys/class/net/${peer.name}/queues/rx-0/rps_cpus`, `${1 << cpu}\n`);
  const first = await loadAltered(t, "task", task);
  const maps = { STATE: first.map("STATE") };
  const second = await loadAltered(t, "packet", xdp, { maps });
  const third = await loadAltered(t, "clock", perf, { maps });
  await first.attach();
  await second.attach({ target: { kind: "xdp", device: peer.name, mode: "generic" } });
  await third.attach({
    target: { kind: "perfEvent", event: "cpu-clock", samplePeriod: "1000000", cpu },
  });
  const state = first.map("STATE", { key: u32, value: u64 });
  return { t, task: first, state, from: device.name, to: peer.name, skips: 0, ...limits };
}

const startLimitMs = 10_000;
const stats = "/sys/kernel/debug/rex/stats";

/**
 * Whether the kernel has not run the kprobe's program because its CPU was inside of an access to a map, as that of the agent may be which looks
 * how far the three have come. (It knows that no probe in a map's code comes upon a lock that is held only by running none.)
 */
async function isSkipped(stage: Stage): Promise<boolean> {
  const { progs } = await stage.t.guest.inventory();
  const skips = progs.find(({ id }) => id === stage.task.id)?.recursionMisses ?? 0;
  const isMore = skips > stage.skips;
  stage.skips = skips;
  return isMore;
}

/** Has the three nest once; says what is in STATE afterwards and how many packets came through. Undefined if the kernel has skipped the first. */
async function nest(stage: Stage, does: readonly [End, End, End]) {
  const { t, state, from, to } = stage;
  for (let index = 0; index < entries; index++) {
    await state.set(index, BigInt(index < does.length ? ends.indexOf(does[index] ?? "return") : 0));
  }
  let isOver = false;
  const call = t.guest.syscall("dup", 999, { cpu }).finally(() => {
    isOver = true;
  });
  const giveUpAt = performance.now() + startLimitMs * t.kernel.slowness.time;
  for (let wasOver = false; (await state.get(at.taskIn)) !== 1n; wasOver = isOver) {
    if (wasOver && (await isSkipped(stage))) return undefined;
    if (wasOver || performance.now() > giveUpAt)
      throw new Error(
        `the kprobe's program did not run, ${isOver ? "and" : "nor is"} its call over:\n${await t.guest.readFile(stats)}`,
      );
  }
  const [acts, passes] = [udp({ payload: "acts" }), udp({ payload: "passes" })];
  const packets = await t.guest.net.exchange({
    send: { device: from, frames: [acts, passes] },
    receive: [{ device: to, count: does[1] === "return" ? 2 : 1 }],
    cpu: 0,
  });
  const run = await call;
  const values = await Promise.all([at.taskOut, at.xdpOut, at.perfOut].map((index) => state.get(index)));
  const met = (await state.get(at.taskMet)) === 1n;
  return { run, met, came: values.map((value) => value === 1n), received: packets.received[0], acts, passes };
}

/**
 * On a host that is busy with other things one that waits for the next may have had its own time, or nearly all of it, before that came.
 * Were the time of the others held against it, every attempt would end so.
 */
async function nestOnTime(stage: Stage, does: readonly [End, End, End]) {
  for (let attempt = 1; ; attempt++) {
    const result = await nest(stage, does);
    if (result !== undefined) {
      const late = result.run.exits.some(
        ({ prog, reason }) => reason === "timeout" && !isToTimeOut(prog, does),
      );
      if (attempt === attemptsAtMost || (result.met && !late)) return result;
      await stage.t.guest.exits();
      stage.timeoutMs *= 2;
      await setLimits(stage.t, stage);
    } else if (attempt === attemptsAtMost)
      throw new Error(`the kernel has skipped the kprobe's program ${attempt} times`);
  }
}

function isToTimeOut(prog: string, does: readonly [End, End, End]): boolean {
  return does[["task", "packet", "clock"].indexOf(prog)] === "timeout";
}

for (const outer of ends) {
  rexTest(
    `a kprobe that is to ${outer} goes on whatever becomes of those that interrupt it`,
    { cpus: 2, timeoutMs: 180_000 },
    async (t) => {
      const stage = await setUp(t);
      for (const middle of ends) {
        for (const inner of ends) {
          const does = [outer, middle, inner] as const;
          await t.step(`${middle}, ${inner}`, async () => {
            const { run, came, received, acts, passes } = await nestOnTime(stage, does);
            t.expect(endingsOf(run.exits)).toEqual([
              ...ending("clock", "hardirq", inner),
              ...ending("packet", "softirq", middle),
              ...ending("task", "task", outer),
            ]);
            t.expect(came).toEqual(does.map((end) => end === "return"));
            t.expect(run).toReturn("EBADF");
            t.expect(received).toEqual(middle === "return" ? [acts, passes] : [passes]);
            for (const exit of run.exits) t.expect(exit.cpu).toBe(cpu);
            t.guest.account(run.exits);
          });
        }
      }
      await t.expect(t.guest).toBeHealthy();
      await t.expect(t.guest).toHoldNoResources();
    },
  );
}
