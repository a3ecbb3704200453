// SPDX-License-Identifier: MIT
// Promise: a program never uses more stack than rex-verify has proved. The kernel measures it: kernel.rex_stack_paint.
import { type Program, type ProgramStats, rex, rexTest, type TestContext } from "rex-test";
import { ElfEditor, progRecord } from "../loader/elf.ts";

interface Case {
  readonly name: string;
  readonly program: ReturnType<ReturnType<typeof rex.kprobe>>;
  /** Bytes that a path of the program surely needs. */
  readonly atLeast: number;
}

// Each has a bound, and takes its deepest path when the argument is 999. A helper is called behind that, from less deep: what
// it uses must not count.
const cases: readonly Case[] = [
  {
    name: "nothing",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      fn prog(_: &kprobe, _ctx: &mut PtRegs) -> Result { Ok(0) }
    `,
    atLeast: 24,
  },
  {
    name: "one large frame",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      #[inline(never)]
      fn large(n: u64) -> u64 {
        let mut local = [n; 400];
        core::hint::black_box(&mut local);
        local[(n % 400) as usize]
      }

      fn prog(kprobe: &kprobe, ctx: &mut PtRegs) -> Result {
        let n = ctx.syscall_regs()?.args()[0];
        let found = if n == 999 { large(n) } else { 0 };
        Ok((found + kprobe.bpf_ktime_get_ns_origin()) as i32 & 0)
      }
    `,
    atLeast: 3200,
  },
  {
    name: "a chain of calls that ends with a tail call",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      #[inline(never)]
      fn end(n: u64, m: u64) -> u64 {
        let mut local = [n; 60];
        core::hint::black_box(&mut local);
        local[(m % 60) as usize]
      }

      // Nothing is left to do behind the call: it becomes a jump.
      #[inline(never)]
      fn middle(n: u64, m: u64) -> u64 { end(n + 1, m ^ n) }

      #[inline(never)]
      fn start(n: u64) -> u64 {
        let mut local = [n; 60];
        core::hint::black_box(&mut local);
        middle(local[1], n) ^ local[(n % 60) as usize]
      }

      fn prog(kprobe: &kprobe, ctx: &mut PtRegs) -> Result {
        let n = ctx.syscall_regs()?.args()[0];
        let found = if n == 999 { start(n) } else { 0 };
        Ok((found + kprobe.bpf_ktime_get_ns_origin()) as i32 & 0)
      }
    `,
    atLeast: 2 * 480,
  },
  {
    name: "maps and helpers",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      #[rex_map]
      static SEEN: RexHashMap<u32, u64> = RexHashMap::new(8, 0);

      #[inline(never)]
      fn note(key: u32, n: u64) -> Result {
        let mut local = [n; 20];
        core::hint::black_box(&mut local);
        SEEN.insert(&key, &local[3])
      }

      fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let n = ctx.syscall_regs()?.args()[0];
        note(1, n)?;
        note(2, n + 1)
      }
    `,
    atLeast: 160,
  },
  {
    name: "a panic that is not taken",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let values = [1, 2, 3, 4];
        let n = ctx.syscall_regs()?.args()[0] as usize;
        Ok(values[n - 997])
      }
    `,
    atLeast: 24,
  },
];

/** Has the program run until it was measured as often without an interrupt in between. */
async function measure(t: TestContext, program: Program, runs = 5): Promise<ProgramStats> {
  for (let round = 0; round < 200; round++) {
    await t.guest.syscall("dup", 999);
    const stats = await program.stats();
    if (stats.measuredRuns >= runs) return stats;
  }
  throw new Error("no run of 200 came to its end without interrupts");
}

rexTest.each(cases)(
  "a program with $name stays within its bound",
  async (t, { program: source, atLeast }) => {
    await t.guest.measureStacks();
    const program = await t.load(source);
    await using _link = await program.attach();
    const { stackBoundBytes, stackUsedBytes, totalUsedBytes } = await measure(t, program);
    t.expect(stackBoundBytes).toBeDefined();
    t.expect(stackUsedBytes).toBeGreaterThanOrEqual(atLeast);
    t.expect(stackUsedBytes).toBeLessThanOrEqual(stackBoundBytes ?? 0);
    // The bound is not far-fetched either.
    t.expect(stackUsedBytes).toBeGreaterThan((stackBoundBytes ?? 0) - 400);
    t.expect(totalUsedBytes).toBeGreaterThanOrEqual(stackUsedBytes);
    await t.expect(program).toHaveStackBelow(4096);
    await t.expect(t.guest).toBeHealthy();
  },
);

rexTest("what a program uses is known exactly", async (t) => {
  await t.guest.measureStacks();
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
    #[inline(never)]
    fn large(n: u64) -> u64 {
      let mut local = [0u64; 300];
      if n > 5 {
        // The lowest words only: what is between is never written.
        core::hint::black_box(&mut local)[0] = n;
      }
      core::hint::black_box(&local)[(n % 2) as usize]
    }

    fn prog(kprobe: &kprobe, ctx: &mut PtRegs) -> Result {
      let n = ctx.syscall_regs()?.args()[0];
      let before = kprobe.bpf_ktime_get_ns_origin();
      let found = if n != 3 { large(n) } else { 0 };
      Ok((found + before + kprobe.bpf_ktime_get_ns_origin()) as i32 & 0)
    }
  `);
  await using _link = await program.attach();
  const used = async (argument: number) => {
    const { measuredRuns } = await program.stats();
    for (let round = 0; round < 100; round++) {
      await t.guest.syscall("dup", argument);
      const stats = await program.stats();
      if (stats.measuredRuns > measuredRuns + 2) return stats.stackUsedBytes;
    }
    throw new Error("no run of 100 came to its end without interrupts");
  };
  const shallow = await used(3);
  const deep = await used(999);
  t.expect(shallow).toBeLessThan(400);
  t.expect(deep).toBeGreaterThanOrEqual(2400);
  t.expect(deep - shallow).toBeLessThan(2400 + 200);
  // A mark is kept.
  t.expect(await used(3)).toBe(deep);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a program that uses more than its record says is told on", async (t) => {
  t.expectSplat(/WARNING: .* kernel\/rex\/measure\.c/);
  await t.guest.measureStacks();
  const { object } = await t.compile(rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
    #[inline(never)]
    fn large(n: u64) -> u64 {
      let mut local = [n; 40];
      core::hint::black_box(&mut local);
      local[(n % 40) as usize]
    }

    fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result { Ok(large(ctx.rdi()) as i32 & 0) }
  `);
  const elf = new ElfEditor(object);
  elf.setU32(elf.section(".rex.progs").offset + progRecord.stackBytes, 24);
  const program = await t.load(rex.object("liar", elf.bytes));
  await using _link = await program.attach();
  const { stackBoundBytes, stackUsedBytes } = await measure(t, program);
  t.expect(stackBoundBytes).toBe(24);
  t.expect(stackUsedBytes).toBeGreaterThan(320);
  const told = (await t.guest.log()).map(({ text }) => text).filter((text) => text.includes("of liar"));
  t.expect(told).toEqual([
    t.expect.stringMatching(/rex: program prog of liar has used \d+ bytes of stack, its bound is 24/),
  ]);
});

rexTest("a panic stays within the bound, its message within the reserve", async (t) => {
  await t.guest.measureStacks();
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
    fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let n = ctx.syscall_regs()?.args()[0];
      panic!("{n} and {:?}", [Some(n), None, Some(7)]);
    }
  `);
  await using _link = await program.attach();
  for (let round = 0; round < 10; round++) {
    const run = await t.guest.syscall("dup", 999);
    t.expect(run).toExitGracefully({ reason: "panic", message: "999 and [Some(999), None, Some(7)]" });
  }
  const stats = await program.stats();
  t.expect(stats).toMatchObject({ runs: 10, exits: 10 });
  t.expect(stats.stackBoundBytes).toBeDefined();
  t.expect(stats.stackUsedBytes).toBeGreaterThan(24);
  t.expect(stats.stackUsedBytes).toBeLessThanOrEqual(stats.stackBoundBytes ?? 0);
  // Formatting begins where the program was, and goes on to two pages before the end at most.
  t.expect(stats.reportUsedBytes).toBeGreaterThan(stats.stackUsedBytes);
  t.expect(stats.reportUsedBytes).toBeLessThanOrEqual(6 * 4096);
  // The rest is for the kernel's way out.
  t.expect(stats.totalUsedBytes).toBeGreaterThanOrEqual(stats.reportUsedBytes);
  t.expect(stats.totalUsedBytes).toBeLessThan(8 * 4096);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("an overflow is how deep the program was", async (t) => {
  await t.guest.measureStacks();
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
    #[inline(never)]
    fn down(n: u64) -> u64 {
      let local = core::hint::black_box([n; 4]);
      if n == 0 { 0 } else { down(n - 1) ^ local[1] }
    }

    fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
      Ok(down(ctx.syscall_regs()?.args()[0]) as i32 & 0)
    }
  `);
  await using _link = await program.attach();
  for (let round = 0; round < 5; round++) await t.guest.syscall("dup", 50);
  const before = await program.stats();
  t.expect(before.stackBoundBytes).toBeUndefined();
  t.expect(before.stackUsedBytes).toBeGreaterThan(50 * 40);
  t.expect(before.stackUsedBytes).toBeLessThan(16_384);
  t.expect(await t.guest.syscall("dup", 100_000)).toOverflowStack();
  const { stackUsedBytes, exits } = await program.stats();
  t.expect(exits).toBe(1);
  t.expect(stackUsedBytes).toBeGreaterThan(16_384);
  t.expect(stackUsedBytes).toBeLessThan(16_384 + 4096);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("without measuring, the depth at calls and exits is kept", async (t) => {
  await t.guest.measureStacks(false);
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
    #[inline(never)]
    fn deep(n: u64, kprobe: &kprobe) -> u64 {
      let mut local = [n; 100];
      core::hint::black_box(&mut local);
      kprobe.bpf_ktime_get_ns_origin() ^ local[(n % 100) as usize]
    }

    fn prog(kprobe: &kprobe, ctx: &mut PtRegs) -> Result {
      let n = ctx.syscall_regs()?.args()[0];
      if n == 998 { return Ok(0) }
      Ok(deep(n, kprobe) as i32 & 0)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 998);
  const { stackUsedBytes: shallow } = await program.stats();
  t.expect(shallow).toBeLessThan(800);
  await t.guest.syscall("dup", 999);
  const stats = await program.stats();
  t.expect(stats).toMatchObject({ runs: 2, measuredRuns: 0, totalUsedBytes: 0 });
  t.expect(stats.stackUsedBytes).toBeGreaterThan(shallow + 400);
  t.expect(stats.stackUsedBytes).toBeGreaterThan(800);
  t.expect(stats.stackUsedBytes).toBeLessThanOrEqual(stats.stackBoundBytes ?? 0);
  await t.expect(t.guest).toBeHealthy();
});
