// SPDX-License-Identifier: MIT
// Promise: a hook whose program ended abnormally gets the default verdict of the program's type, and the exit record says which: a
// packet that was not judged is dropped, and what is probed goes on. (docs/decisions/kernel-default-verdicts.md)
import { rex, rexTest } from "rex-test";
import { setLimits } from "../termination/limits.ts";

const [xdpAborted, actShot] = [0, 2];

const packetPrograms = [
  {
    type: "XDP",
    verdict: xdpAborted,
    program: rex.xdp({ name: "judge" })`
      fn judge(_: &xdp, ctx: &mut xdp_md) -> Result {
        match ctx.data_slice[14] {
          1 => panic!("can't tell"),
          2 => loop {},
          _ => Ok(XDP_PASS as i32),
        }
      }
    `,
    pass: 2,
  },
  {
    type: "tc",
    verdict: actShot,
    program: rex.tc({ name: "judge" })`
      fn judge(_: &sched_cls, skb: &mut __sk_buff) -> Result {
        match skb.data_slice[14] {
          1 => panic!("can't tell"),
          2 => loop {},
          _ => Ok(TC_ACT_OK as i32),
        }
      }
    `,
    pass: 0,
  },
];

for (const { type, verdict, program, pass } of packetPrograms) {
  rexTest(`the verdict of an ${type} program that ended abnormally is ${verdict}`, async (t) => {
    await setLimits(t, { timeoutMs: 100, tickMs: 10 });
    const judge = await t.load(program);
    for (const [letter, reason] of [
      [1, "panic"],
      [2, "timeout"],
    ] as const) {
      const run = await judge.testRun({ data: Buffer.alloc(64, letter) });
      t.expect(run).toExitGracefully({ reason });
      t.expect(run).toReturn(verdict);
      t.expect(run.exits.map((exit) => exit.retval)).toEqual([String(verdict)]);
    }
    t.expect(await judge.testRun({ data: Buffer.alloc(64) })).toReturn(pass);
  });

  rexTest(`the verdict of a stopped ${type} program is ${verdict}`, async (t) => {
    await t.guest.writeFile("/proc/sys/kernel/rex_crash_stop", "1\n");
    const judge = await t.load(program);
    t.expect(await judge.testRun({ data: Buffer.alloc(64) })).toReturn(pass);
    t.expect(await judge.testRun({ data: Buffer.alloc(64, 1) })).toExitGracefully({ reason: "panic" });
    const stopped = await judge.testRun({ data: Buffer.alloc(64) });
    t.expect(stopped.exits).toEqual([]);
    t.expect(stopped).toReturn(verdict);
  });
}

rexTest("the verdict of a kprobe that ended abnormally is 0", async (t) => {
  const program = await t.load("oob-index");
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({ reason: "panic" });
  t.expect(run.exits.map((exit) => exit.retval)).toEqual(["0"]);
});
