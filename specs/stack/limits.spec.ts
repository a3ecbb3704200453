// SPDX-License-Identifier: MIT
// Promise: a program may recurse within its 16 KiB. A panic keeps its message when little of them is left, because the message may
// be formatted in the reserve; and that has a limit too.
import { rex, rexTest, u32, u64 } from "rex-test";

rexTest("recursion within the limit returns its value", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    #[inline(never)]
    fn sum(n: u64) -> u64 {
      let local = core::hint::black_box([n; 4]);
      if n == 0 { 0 } else { sum(n - 1) + local[2] }
    }

    fn deep(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let n = ctx.syscall_regs()?.args()[0];
      SEEN.insert(&0, &sum(n))
    }
  `);
  await using _link = await program.attach();
  t.expect((await t.guest.syscall("dup", 100)).exits).toEqual([]);
  t.expect(await program.map("SEEN", { key: u32, value: u64 }).get(0)).toBe(5050n);
  t.expect(await t.guest.syscall("dup", 100_000)).toOverflowStack({ program: "deep" });
  await t.expect(t.guest).toBeHealthy();
});

rexTest("sorting works, though it is recursive and calls through pointers", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn deep(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let mut state = ctx.syscall_regs()?.args()[0];
      let mut values = [0u64; 200];
      for value in &mut values {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *value = state >> 33;
      }
      let before = values.iter().fold(0, |all, value| all ^ value);
      values.sort_unstable();
      let after = values.iter().fold(0, |all, value| all ^ value);
      assert!(values.is_sorted() && before == after);
      SEEN.insert(&0, &u64::from(values[0] < values[199]))
    }
  `);
  await using _link = await program.attach();
  for (const seed of [999, 1000, 1001]) t.expect((await t.guest.syscall("dup", seed)).exits).toEqual([]);
  t.expect(await program.map("SEEN", { key: u32, value: u64 }).get(0)).toBe(1n);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a panic near the edge of the stack keeps its message", async (t) => {
  // The message takes about 3 KiB of stack to format, far more than is left.
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
    struct Wide(u64);

    impl core::fmt::Display for Wide {
      #[inline(never)]
      fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let local = core::hint::black_box([self.0; 32]);
        if self.0 > 0 {
          Wide(local[7] - 1).fmt(f)?;
        }
        write!(f, "{}", local[9])
      }
    }

    #[inline(never)]
    fn down(n: u64, panics: bool) -> u64 {
      let local = core::hint::black_box([n; 6]);
      if n > 0 {
        return down(n - 1, panics) ^ local[3];
      }
      if panics {
        panic!("the bottom: {}", Wide(9));
      }
      local[1]
    }

    fn deep(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let n = ctx.syscall_regs()?.args()[0];
      Ok(down(n & 0xffff, n > 0xffff) as i32 & 0)
    }
  `);
  await using _link = await program.attach();
  const overflows = async (depth: number) => {
    const run = await t.guest.syscall("dup", depth);
    if (run.exits.length > 0) t.expect(run).toOverflowStack({ frames: ["deep::down", "deep::down"] });
    return run.exits.length > 0;
  };
  let [deepest, tooDeep] = [20, 4000];
  while (tooDeep - deepest > 1) {
    const depth = Math.floor((deepest + tooDeep) / 2);
    if (await overflows(depth)) tooDeep = depth;
    else deepest = depth;
  }
  t.expect(deepest).toBeGreaterThan(50);
  const panics = 0x10000;
  // Where no room is left for the panic itself, it is an overflow.
  let panicked = 0;
  for (let depth = deepest - 16; depth <= deepest; depth++) {
    const run = await t.guest.syscall("dup", panics + depth);
    if (run.exits[0]?.reason === "stack_overflow") {
      t.expect(run).toOverflowStack({ message: /16384 allowed/ });
      continue;
    }
    t.expect(run).toExitGracefully({ reason: "panic", message: "the bottom: 0123456789" });
    panicked++;
  }
  t.expect(panicked).toBeGreaterThan(5);
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("a message that recurses without end exits gracefully", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
    struct Endless(u64);

    impl core::fmt::Display for Endless {
      fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", Endless(core::hint::black_box(self.0) + 1))
      }
    }

    fn deep(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      panic!("before {}", Endless(0))
    }
  `);
  await using _link = await program.attach();
  for (let round = 0; round < 3; round++) {
    const run = await t.guest.syscall("dup", 999);
    t.expect(run).toOverflowStack({ message: "stack overflow while the message of a panic was formatted" });
    t.expect(run).toReturn("EBADF");
  }
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});

rexTest("recursion under a spin lock lets go of it", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Entry { lock: bpf_spin_lock, calls: u32 }

    #[rex_map(lock = "lock")]
    static ENTRIES: RexArrayMap<Entry> = RexArrayMap::new(1, 0);

    #[inline(never)]
    fn down(n: u64) -> u64 {
      let local = core::hint::black_box([n; 4]);
      down(n + 1) ^ local[1]
    }

    fn deep(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let n = ctx.syscall_regs()?.args()[0];
      let mut entry = ENTRIES.lock(&0).ok_or(-1)?;
      entry.calls += 1;
      if n == 999 {
        entry.calls = down(n) as u32;
      }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  for (const cpu of [0, 1]) {
    const [run] = await t.guest.trigger([{ syscall: "dup", args: [999], cpu }]);
    t.expect(run).toOverflowStack({ frames: ["deep::down"] });
    t.expect(run?.exits[0]?.released).toEqual(["spin_lock"]);
    const [other] = await t.guest.trigger([{ syscall: "dup", args: [998], cpu: 1 - cpu }]);
    t.expect(other?.exits).toEqual([]);
  }
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
