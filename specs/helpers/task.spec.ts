// SPDX-License-Identifier: MIT
// Promise: what a program is told of the current task is true, and a name always ends.
import { bytes, rex, rexTest, u32, u64 } from "rex-test";

rexTest("ids, name and registers of the task are those of the caller", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "who" })`
    #[rex_map]
    static IDS: RexArrayMap<u64> = RexArrayMap::new(5, 0);
    #[rex_map]
    static NAME: RexArrayMap<[u8; 16]> = RexArrayMap::new(1, 0);

    fn who(program: &kprobe, ctx: &mut PtRegs) -> Result {
      let task = program.bpf_get_current_task().ok_or(-1)?;
      let regs = task.get_pt_regs();
      let same = regs.rip() == ctx.syscall_regs()?.rip() && regs.rsp() == ctx.syscall_regs()?.rsp();
      IDS.insert(&0, &(task.get_pid() as u64))?;
      IDS.insert(&1, &(task.get_tgid() as u64))?;
      IDS.insert(&2, &program.bpf_get_current_pid_tgid())?;
      IDS.insert(&3, &regs.rdi())?;
      IDS.insert(&4, &u64::from(same && regs.orig_rax() == 32))?;
      let mut name = [0; 16];
      let comm = task.get_comm().map_err(|_| -2)?.to_bytes();
      name[..comm.len()].copy_from_slice(comm);
      NAME.insert(&0, &name)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 4242);
  const ids = await program.map("IDS", { key: u32, value: u64 }).entries();
  const [pid = 0n, tgid = 0n, both, fd, same] = ids.map(([, value]) => value);
  t.expect(tgid, "the agent is PID 1").toBe(1n);
  t.expect(pid).toBeGreaterThan(1n);
  t.expect(both).toBe((tgid << 32n) | pid);
  t.expect(fd).toBe(4242n);
  t.expect(same).toBe(1n);
  const name = Buffer.from((await program.map("NAME", { key: u32, value: bytes }).get(0)) ?? []);
  t.expect(name.toString()).toMatch(/^[\x20-\x7e]{1,15}\0+$/);
});

rexTest("a name that is longer than the buffer is cut, and ends with a NUL", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "cut_name" })`
    #[rex_map]
    static NAMES: RexArrayMap<[u8; 24]> = RexArrayMap::new(1, 0);

    fn cut_name(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let (mut short, mut long) = ([0xee; 4], [0xee; 20]);
      program.bpf_get_current_comm(&mut short)?;
      program.bpf_get_current_comm(&mut long)?;
      let mut names = [0; 24];
      names[..4].copy_from_slice(&short);
      names[4..].copy_from_slice(&long);
      NAMES.insert(&0, &names)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const names = Buffer.from((await program.map("NAMES").get(u32.encode(0))) ?? []);
  const whole = names.subarray(4).toString().replace(/\0+$/, "");
  t.expect(whole.length).toBeGreaterThan(3);
  t.expect(names.subarray(4).toString()).toBe(whole.padEnd(20, "\0"));
  t.expect(names.subarray(0, 4).toString()).toBe(`${whole.slice(0, 3)}\0`);
});

rexTest("user and group are those of the caller", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_getpgrp", name: "ids" })`
    #[rex_map]
    static IDS: RexHashMap<u64, u64> = RexHashMap::new(8, 0);

    fn ids(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      IDS.insert(&program.bpf_get_current_uid_gid(), &1)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("getpgrp");
  const seen = (await program.map("IDS", { key: u64, value: u64 }).entries()).map(([ids]) => ids);
  t.expect(seen, "the agent is root").toEqual([0n]);
});

rexTest(
  "the time a thread spent in user mode grows, and never exceeds its life",
  { timeoutMs: 60_000 },
  async (t) => {
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "utime" })`
    #[rex_map]
    static TIMES: RexArrayMap<u64> = RexArrayMap::new(3, 0);

    fn utime(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let utime = program.bpf_get_current_task().ok_or(-1)?.get_utime();
      if utime < TIMES.get(&0).unwrap_or(0) { TIMES.insert(&1, &1)?; }
      TIMES.insert(&2, &program.bpf_ktime_get_ns())?;
      TIMES.insert(&0, &utime)
    }
  `);
    await using _link = await program.attach();
    const run = await t.guest.syscall("dup", 999, { repeat: 300_000, timeoutMs: 40_000 });
    const times = await program.map("TIMES", { key: u32, value: u64 }).entries();
    const [utime = 0n, backwards] = times.map(([, value]) => value);
    t.expect(utime).toBeGreaterThan(0n);
    t.expect(utime).toBeLessThan(2n * BigInt(run.durationNs));
    t.expect(backwards).toBe(0n);
  },
);
