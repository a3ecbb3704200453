// SPDX-License-Identifier: MIT
// Promise: a program that recurses too deep ends in every context: it takes nothing with it that it holds or has interrupted.
import { rex, rexTest } from "rex-test";
import { contexts } from "../contexts.ts";
import { frame } from "../packets.ts";

const [pass, deep] = [1, 9];

for (const mode of ["native", "generic"] as const) {
  rexTest(`recursion in ${mode} XDP drops its packet, in softirq context`, async (t) => {
    const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
    const program = await t.load(rex.xdp({ name: "judge" })`
      #[inline(never)]
      fn down(n: u64) -> u64 {
        let local = core::hint::black_box([n; 4]);
        down(n + 1) ^ local[1]
      }

      fn judge(_: &xdp, ctx: &mut xdp_md) -> Result {
        if ctx.data_slice[14] == 9 {
          return Ok(down(u64::from(ctx.data_slice[14])) as i32);
        }
        Ok(XDP_PASS as i32)
      }
    `);
    await using _link = await program.attach({ target: { kind: "xdp", device: peer.name, mode } });
    for (let round = 0; round < 3; round++) {
      const run = await t.guest.net.exchange({
        send: { device: device.name, frames: [frame([deep]), frame([pass])] },
        receive: [{ device: peer.name, count: 1 }],
      });
      t.expect(run).toOverflowStack({ frames: ["judge::down", "judge::down"] });
      t.expect(run.exits.map(({ level }) => level)).toEqual(["softirq"]);
      t.expect(run.received).toEqual([[frame([pass])]]);
    }
    t.expect(await program.stats()).toMatchObject({ exits: 3, runs: 6 });
    await t.expect(t.guest).toBeHealthy();
    await t.expect(t.guest).toHoldNoResources();
  });
}

for (const context of contexts) {
  rexTest(`recursion in ${context.name} ends the program`, { cpus: 2 }, async (t) => {
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
      #[inline(never)]
      fn down(n: u64) -> u64 {
        let local = core::hint::black_box([n; 4]);
        down(n + 1) ^ local[1]
      }

      fn deep(_: &kprobe, ctx: &mut PtRegs) -> Result {
        Ok(down(ctx.rdi() & 1) as i32)
      }
    `);
    const link = await context.attach(t, program);
    const ended = await context.endings(t);
    for (const exit of ended) {
      t.expect(exit.reason).toBe("stack_overflow");
      t.expect(exit.frames[0]?.symbol).toMatch(/deep::down/);
    }
    await link.detach();
    // Some may have come later.
    const reasons = new Set((await t.guest.exits()).map(({ reason }) => reason));
    t.expect([...reasons]).toEqual(["stack_overflow"]);
    t.expect((await program.stats()).stackUsedBytes).toBeGreaterThan(16_384);
    await t.expect(t.guest).toBeHealthy();
  });
}

rexTest("mutual recursion under a spin lock lets go of it", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Entry { lock: bpf_spin_lock, calls: u32 }

    #[rex_map(lock = "lock")]
    static ENTRIES: RexArrayMap<Entry> = RexArrayMap::new(1, 0);

    trait Step {
      fn step(&self, next: &dyn Step, n: u64) -> u64;
    }
    struct Even;
    struct Odd([u64; 6]);
    impl Step for Even {
      #[inline(never)]
      fn step(&self, next: &dyn Step, n: u64) -> u64 { core::hint::black_box(next).step(self, n + 1) ^ n }
    }
    impl Step for Odd {
      #[inline(never)]
      fn step(&self, next: &dyn Step, n: u64) -> u64 {
        let local = core::hint::black_box(self.0);
        core::hint::black_box(next).step(self, n + 1) ^ local[2]
      }
    }

    fn deep(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let n = ctx.syscall_regs()?.args()[0];
      let mut entry = ENTRIES.lock(&0).ok_or(-1)?;
      entry.calls += 1;
      if n == 999 {
        let first: &dyn Step = core::hint::black_box(&Even);
        entry.calls = first.step(&Odd([n; 6]), n) as u32;
      }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  for (const cpu of [0, 1]) {
    const [run] = await t.guest.trigger([{ syscall: "dup", args: [999], cpu }]);
    t.expect(run).toOverflowStack({ frames: [/step/, /step/] });
    t.expect(run?.exits[0]?.released).toEqual(["spin_lock"]);
    const [other] = await t.guest.trigger([{ syscall: "dup", args: [998], cpu: 1 - cpu }]);
    t.expect(other?.exits).toEqual([]);
  }
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
