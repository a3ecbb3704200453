// SPDX-License-Identifier: MIT
// Promise: a value with a spin lock is changed by one program at a time, and no program, however it ends, leaves it locked.
import { rex, rexTest, u32, u64 } from "rex-test";
import { expectTimely, setLimits } from "../termination/limits.ts";

const edeadlk = 35;
const eopnotsupp = 95;

rexTest("no change under a lock is lost or seen by halves", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "counting" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Pair { first: u64, lock: bpf_spin_lock, tag: u32, second: u64 }

    #[rex_map(lock = "lock")]
    static PAIRS: RexHashMap<u64, Pair> = RexHashMap::new(4, 0);
    #[rex_map(lock = "lock")]
    static MORE: RexArrayMap<Pair> = RexArrayMap::new(2, 0);
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(3, 0);

    fn counting(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let fresh = Pair { first: 0, lock: bpf_spin_lock { val: 77 }, tag: 5, second: 0 };
      let _ = PAIRS.insert_new(&7, &fresh);
      assert!(PAIRS.lock(&8).is_none() && MORE.lock(&2).is_none());
      for _ in 0..100 {
        let mut pair = PAIRS.lock(&7).ok_or(-1)?;
        assert!(pair.first == pair.second && pair.tag == 5 && pair.lock.val == 0);
        pair.first += 1;
        pair.second += 1;
        // What is written to the lock is ignored.
        pair.lock.val = 0xffff_ff00;
        pair.unlock();
        let mut pair = MORE.lock(&1).ok_or(-2)?;
        assert_eq!(pair.first, pair.second);
        pair.first += 2;
        pair.second += 2;
      }
      let one = PAIRS.lock(&7).ok_or(-3)?.first;
      let two = MORE.lock(&1).ok_or(-4)?.second;
      SEEN.insert(&0, &one)?;
      SEEN.insert(&1, &two)
    }
  `);
  await using _link = await program.attach();
  const repeat = 40;
  const calls = [0, 1].map((cpu) => ({ syscall: "dup", args: [999], cpu, repeat }));
  for (const run of await t.guest.trigger(calls)) t.expect(run.exits).toEqual([]);
  t.expect((await t.guest.syscall("dup", 999)).exits).toEqual([]);
  const total = BigInt((2 * repeat + 1) * 100);
  const seen = program.map("SEEN", { key: u32, value: u64 });
  t.expect(await seen.get(0)).toBe(total);
  t.expect(await seen.get(1)).toBe(2n * total);
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("a panic under a lock lets go of it and leaves the value as it was", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "torn" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Entry { lock: bpf_spin_lock, calls: u32, torn: u64 }

    #[rex_map(lock = "lock")]
    static ENTRIES: RexArrayMap<Entry> = RexArrayMap::new(1, 0);
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn torn(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let fd = ctx.syscall_regs()?.args()[0];
      let mut entry = ENTRIES.lock(&0).ok_or(-1)?;
      entry.torn += 1;
      if fd == 999 {
        panic!("under the lock, {} torn", entry.torn);
      }
      entry.torn -= 1;
      entry.calls += 1;
      let (calls, torn) = (entry.calls, entry.torn);
      drop(entry);
      SEEN.insert(&0, &calls.into())?;
      SEEN.insert(&1, &torn)
    }
  `);
  await using _link = await program.attach();
  const seen = program.map("SEEN", { key: u32, value: u64 });
  // One after the other: the lock is free as soon as the first call is over.
  t.expect(await t.guest.syscall("dup", 999, { cpu: 0 })).toExitGracefully({
    message: "under the lock, 1 torn",
  });
  t.expect((await t.guest.syscall("dup", 5, { cpu: 1 })).exits).toEqual([]);
  t.expect(await seen.get(0)).toBe(1n);
  // And against each other.
  const repeat = 20;
  const [ill, well] = await t.guest.trigger([
    { syscall: "dup", args: [999], cpu: 0, repeat },
    { syscall: "dup", args: [5], cpu: 1, repeat: 500 },
  ]);
  t.expect(ill).toExitGracefully({ reason: "panic", message: "under the lock, 1 torn" });
  t.expect(ill?.exits.map((exit) => exit.released)).toEqual(Array(repeat).fill(["spin_lock"]));
  t.expect(well?.exits).toEqual([]);
  t.expect(await seen.get(0)).toBe(501n);
  t.expect(await seen.get(1)).toBe(0n);
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("a second lock while one is held panics, and neither stays locked", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "twice" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Entry { lock: bpf_spin_lock, value: u32 }

    #[rex_map(lock = "lock")]
    static ENTRIES: RexArrayMap<Entry> = RexArrayMap::new(2, 0);
    #[rex_map]
    static ERRNO: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn twice(program: &kprobe, ctx: &mut PtRegs) -> Result {
      let which = ctx.syscall_regs()?.args()[0] as u32;
      let entry = *ENTRIES.lock(&0).ok_or(-1)?;
      let first = ENTRIES.lock(&0).ok_or(-2)?;
      if which < 2 {
        let second = ENTRIES.lock(&which);
        return Ok(second.is_some() as i32);
      }
      // An update takes the lock too.
      let errno = ENTRIES.insert(&1, &entry).unwrap_err();
      let other = program.bpf_map_update_elem(&ENTRIES, &0, &entry, 0).unwrap_err();
      drop(first);
      ENTRIES.insert(&1, &entry)?;
      ERRNO.insert(&0, &(-errno as u64))?;
      ERRNO.insert(&1, &(-other as u64))
    }
  `);
  await using _link = await program.attach();
  for (const which of [0, 1, 0, 1]) {
    const run = await t.guest.syscall("dup", which);
    t.expect(run).toExitGracefully({
      reason: "panic",
      message: "a second lock is taken while one is held",
      at: /main\.rs:18:/,
    });
    t.expect(run.exits[0]?.released).toEqual(["spin_lock"]);
  }
  t.expect((await t.guest.syscall("dup", 2)).exits).toEqual([]);
  const errno = program.map("ERRNO", { key: u32, value: u64 });
  t.expect(await errno.get(0)).toBe(BigInt(edeadlk));
  t.expect(await errno.get(1)).toBe(BigInt(edeadlk));
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});

// Whoever deletes waits for a bucket, whose holder (user space with BPF_F_LOCK) may wait for the lock of a value in it.
rexTest("nothing is deleted from a map with locks while a lock is held", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "deleting" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Entry { lock: bpf_spin_lock, value: u32 }

    #[rex_map(lock = "lock")]
    static ENTRIES: RexHashMap<u32, Entry> = RexHashMap::new(4, 0);
    #[rex_map(lock = "lock")]
    static OTHERS: RexHashMap<u32, Entry> = RexHashMap::new(4, 0);
    #[rex_map]
    static PLAIN: RexHashMap<u32, u64> = RexHashMap::new(4, 0);
    #[rex_map]
    static ERRNO: RexArrayMap<u64> = RexArrayMap::new(3, 0);

    fn deleting(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let entry = Entry { lock: bpf_spin_lock { val: 0 }, value: 1 };
      ENTRIES.insert(&7, &entry)?;
      OTHERS.insert(&7, &entry)?;
      PLAIN.insert(&7, &1)?;
      let held = ENTRIES.lock(&7).ok_or(-1)?;
      let own = ENTRIES.delete(&7).err().unwrap_or(0);
      let other = OTHERS.delete(&7).err().unwrap_or(0);
      let plain = PLAIN.delete(&7).err().unwrap_or(0);
      drop(held);
      ERRNO.insert(&0, &(-own as u64))?;
      ERRNO.insert(&1, &(-other as u64))?;
      ERRNO.insert(&2, &(-plain as u64))?;
      ENTRIES.delete(&7)?;
      OTHERS.delete(&7)
    }
  `);
  await using _link = await program.attach();
  t.expect(await t.guest.syscall("dup", 999)).toMatchObject({ exits: [] });
  const errno = program.map("ERRNO", { key: u32, value: u64 });
  t.expect(await errno.get(0), "of the map whose lock is held").toBe(BigInt(edeadlk));
  t.expect(await errno.get(1), "of another map with locks").toBe(BigInt(edeadlk));
  t.expect(await errno.get(2), "of a map without").toBe(0n);
  for (const name of ["ENTRIES", "OTHERS", "PLAIN"]) {
    t.expect(await program.map(name, { key: u32, value: u64 }).entries(), name).toEqual([]);
  }
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});

rexTest(
  "a holder that never unlocks is ended although all other CPUs wait for it",
  { cpus: 2 },
  async (t) => {
    const limits = { timeoutMs: 200, tickMs: 20 };
    await setLimits(t, limits);
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "keeper" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Entry { lock: bpf_spin_lock, value: u32 }

    #[rex_map(lock = "lock")]
    static ENTRIES: RexArrayMap<Entry> = RexArrayMap::new(1, 0);

    fn keeper(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let fd = ctx.syscall_regs()?.args()[0];
      let _entry = ENTRIES.lock(&0).ok_or(-1)?;
      while core::hint::black_box(fd) == 999 {}
      Ok(0)
    }
  `);
    await using _link = await program.attach();
    // One of them has the lock, the other one waits for it or has it after the first.
    const runs = await t.guest.trigger([0, 1].map((cpu) => ({ syscall: "dup", args: [999], cpu })));
    for (const run of runs) {
      t.expect(run).toExitGracefully({ reason: "timeout" });
      t.expect(run).toReturn("EBADF");
      expectTimely(t, run.exits[0], limits);
    }
    for (const cpu of [0, 1]) t.expect((await t.guest.syscall("dup", 998, { cpu })).exits).toEqual([]);
    await t.expect(t.guest).toBeHealthy();
    await t.expect(t.guest).toHoldNoResources();
  },
);

rexTest("a lock is refused in NMI context", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "breaking" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Entry { lock: bpf_spin_lock, value: u32 }

    #[rex_map(lock = "lock")]
    static ENTRIES: RexArrayMap<Entry> = RexArrayMap::new(1, 0);

    fn breaking(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let entry = ENTRIES.lock(&0).ok_or(-1)?;
      Ok(entry.value as i32)
    }
  `);
  // Behind the function's first instruction, where only a breakpoint can be: its handler runs as an NMI does.
  await t.guest.writeFile("/proc/sys/debug/kprobes-optimization", "0");
  await using _link = await program.attach({
    target: { kind: "kprobe", symbol: "__x64_sys_dup", offset: "5" },
  });
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({
    reason: "panic",
    message: "a lock can't be taken in NMI context",
    at: /main\.rs:12:/,
  });
  t.expect(run.exits[0]?.level).toBe("nmi");
  t.expect(run.exits[0]?.released).toEqual([]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("in NMI context a map with locks is not changed either", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "changing" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Entry { lock: bpf_spin_lock, value: u32 }

    #[rex_map(lock = "lock")]
    static ENTRIES: RexHashMap<u32, Entry> = RexHashMap::new(4, 0);
    #[rex_map]
    static ERRNO: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn changing(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let entry = Entry { lock: bpf_spin_lock { val: 0 }, value: 1 };
      let insert = ENTRIES.insert(&7, &entry).err().unwrap_or(0);
      let delete = ENTRIES.delete(&7).err().unwrap_or(0);
      ERRNO.insert(&0, &(-insert as u64))?;
      ERRNO.insert(&1, &(-delete as u64))
    }
  `);
  await t.guest.writeFile("/proc/sys/debug/kprobes-optimization", "0");
  await using _link = await program.attach({
    target: { kind: "kprobe", symbol: "__x64_sys_dup", offset: "5" },
  });
  t.expect(await t.guest.syscall("dup", 999)).toMatchObject({ exits: [] });
  const errno = program.map("ERRNO", { key: u32, value: u64 });
  t.expect(await errno.get(0), "insert").toBe(BigInt(eopnotsupp));
  t.expect(await errno.get(1), "delete").toBe(BigInt(eopnotsupp));
  await t.expect(t.guest).toBeHealthy();
});
