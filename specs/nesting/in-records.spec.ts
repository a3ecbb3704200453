// SPDX-License-Identifier: MIT
// Promise: the record of an exit is kept whatever interrupts its being written: a program that ends at the level of an NMI meanwhile
// has a record of its own, and neither is lost or mixed with the other.
import { rex, rexTest } from "rex-test";

const rounds = 5;

rexTest("an exit inside the writing of another one's record", async (t) => {
  await t.guest.writeFile("/proc/sys/debug/kprobes-optimization", "0\n");
  const outer = await t.load(rex.xdp({ name: "outer" })`
    fn outer(_: &xdp, ctx: &mut xdp_md) -> Result {
      panic!("the packet begins with {}", ctx.data_slice[0])
    }
  `);
  // Called for each frame of a record that is not the kernel's own.
  const inner = await t.load(rex.kprobe({ function: "rex_trace_name", name: "inner" })`
    fn inner(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      panic!("inside of the record")
    }
  `);
  await using _link = await inner.attach();
  for (let round = 1; round <= rounds; round++) {
    const run = await outer.testRun({ data: Buffer.alloc(64, round) });
    t.expect(run).toExitGracefully({
      program: "outer",
      message: `the packet begins with ${round}`,
      level: "task",
      frames: ["outer", "rex_dispatcher_func"],
    });
    const others = run.exits.filter((exit) => exit.prog !== "outer");
    t.expect(run.exits).toHaveLength(others.length + 1);
    t.expect(others.length, "ends inside").toBeGreaterThan(0);
    for (const exit of others) {
      t.expect(exit).toMatchObject({
        prog: "inner",
        level: "nmi",
        reason: "panic",
        message: "inside of the record",
      });
      t.expect(exit.frames.some(({ symbol }) => symbol.includes("rex_exit"))).toBe(true);
    }
  }
  const all = await t.guest.exits();
  t.expect(all.map((exit) => exit.seq)).toEqual(all.map((_, i) => i + 1));
  const own = all.filter((exit) => exit.prog === "inner");
  t.expect(own.map((exit) => exit.count)).toEqual(own.map((_, i) => i + 1));
  const stats = (await t.guest.inventory()).rexStats;
  t.expect(stats?.["exits"]).toBe(all.length);
  t.expect(stats?.["lost_records"]).toBe(0);
  await t.expect(t.guest).toBeHealthy();
});
