// SPDX-License-Identifier: MIT
// Promise: the limit holds in every context, also where interrupts are off and only an NMI from another CPU gets through.
import { rex, rexTest } from "rex-test";
import { contexts } from "../contexts.ts";
import { expectTimely, setLimits } from "./limits.ts";

const limits = { timeoutMs: 200, tickMs: 20 };
const cpu = 1;

/** Endless on CPU 1 only: others must be left to look after it. */
const onCpu1 = rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
  fn endless(program: &kprobe, _ctx: &mut PtRegs) -> Result {
    if program.bpf_get_smp_processor_id() != 1 {
      return Ok(0);
    }
    loop {}
  }
`;

for (const context of contexts) {
  rexTest(`an endless loop in ${context.name} is ended`, { cpus: 2 }, async (t) => {
    await setLimits(t, limits);
    const endless = await t.load(onCpu1);
    const link = await context.attach(t, endless);
    const [ending] = await context.endings(t, { cpu });
    await link.detach();
    t.expect(ending).toMatchObject({ prog: "endless", cpu, level: context.level });
    t.expect(ending?.frames.some(({ symbol }) => /rex_dispatcher_func/.test(symbol))).toBe(true);
    for (const exit of await t.guest.exits()) expectTimely(t, exit, limits);
    await t.expect(t.guest).toBeHealthy();
    await t.expect(t.guest).toHoldNoResources();
  });
}

rexTest("endless loops on two CPUs at once are ended", { cpus: 2 }, async (t) => {
  await setLimits(t, limits);
  const endless = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
    fn endless(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      loop {}
    }
  `);
  await using _link = await endless.attach();
  const runs = await t.guest.trigger([0, 1].map((cpu) => ({ syscall: "dup", args: [999], cpu })));
  for (const [cpu, run] of runs.entries()) {
    t.expect(run).toExitGracefully({ reason: "timeout", program: "endless" });
    t.expect(run).toReturn("EBADF");
    t.expect(run.exits.map((exit) => exit.cpu)).toEqual([cpu]);
    expectTimely(t, run.exits[0], limits);
  }
  await t.expect(t.guest).toBeHealthy();
});

rexTest("an endless loop under a lock is ended, and the lock let go of", { cpus: 2 }, async (t) => {
  await setLimits(t, limits);
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "holder" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Entry { lock: bpf_spin_lock, pad: u32, value: u64 }

    #[rex_map(lock = "lock")]
    static ENTRIES: RexArrayMap<Entry> = RexArrayMap::new(1, 0);

    fn holder(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let fd = ctx.syscall_regs()?.args()[0];
      let _entry = ENTRIES.lock(&0).ok_or(-1)?;
      while core::hint::black_box(fd) == 999 {}
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  for (let round = 0; round < 2; round++) {
    const run = await t.guest.syscall("dup", 999, { cpu });
    t.expect(run).toExitGracefully({ reason: "timeout", program: "holder" });
    expectTimely(t, run.exits[0], limits);
    t.expect(run.exits[0]?.released).toEqual(["spin_lock"]);
    for (const other of [0, 1])
      t.expect((await t.guest.syscall("dup", 998, { cpu: other })).exits).toEqual([]);
  }
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
