// SPDX-License-Identifier: MIT
// Promise: the bound of a program is proved from its finished code. Where there is one nothing is checked at run time, where there is none
// everything is. What could reach past the reserve is not built.
import { rex, rexTest, type TestContext } from "rex-test";
import { ElfEditor, progRecord } from "../loader/elf.ts";

/** The bound that the record of an object's only program states; 0 for none. */
async function boundOf(t: TestContext, source: Parameters<TestContext["compile"]>[0]): Promise<number> {
  const { object } = await t.compile(source);
  const elf = new ElfEditor(object);
  return elf.bytes.readUInt32LE(elf.section(".rex.progs").offset + progRecord.stackBytes);
}

rexTest("a bound is that of the deepest path, tail calls included", async (t) => {
  const shallow = await boundOf(
    t,
    rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result { Ok(ctx.rdi() as i32) }
    `,
  );
  t.expect(shallow).toBeGreaterThanOrEqual(24);
  t.expect(shallow).toBeLessThan(200);
  const deep = await boundOf(
    t,
    rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      #[inline(never)]
      fn end(n: u64, m: u64) -> u64 {
        let mut local = [n; 250];
        core::hint::black_box(&mut local);
        local[(m % 250) as usize]
      }

      #[inline(never)]
      fn middle(n: u64, m: u64) -> u64 { end(n + 1, m ^ n) }

      #[inline(never)]
      fn start(n: u64) -> u64 {
        let mut local = [n; 250];
        core::hint::black_box(&mut local);
        middle(local[1], n) ^ local[(n % 250) as usize]
      }

      fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result { Ok(start(ctx.rdi()) as i32) }
    `,
  );
  t.expect(deep).toBeGreaterThanOrEqual(4000);
  t.expect(deep).toBeLessThan(4500);
});

rexTest.each([
  {
    name: "recursion",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      #[inline(never)]
      fn down(n: u64) -> u64 { if n == 0 { 0 } else { core::hint::black_box(down(n - 1)) + 1 } }

      fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result { Ok(down(ctx.rdi() & 7) as i32) }
    `,
  },
  {
    name: "a trait object",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      trait Number { fn number(&self) -> u64; }
      impl Number for u64 {
        #[inline(never)]
        fn number(&self) -> u64 { *self }
      }

      fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let n = ctx.rdi();
        let number: &dyn Number = core::hint::black_box(&n);
        Ok(number.number() as i32)
      }
    `,
  },
  {
    name: "a closure behind a reference",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let n = ctx.rdi();
        let add = |m: u64| n + m;
        let f: &dyn Fn(u64) -> u64 = core::hint::black_box(&add);
        Ok(f(7) as i32)
      }
    `,
  },
  {
    name: "a function pointer",
    source: rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      fn one(n: u64) -> u64 { n + 1 }
      fn two(n: u64) -> u64 { n + 2 }

      fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let f: fn(u64) -> u64 = core::hint::black_box(if ctx.rdi() & 1 == 0 { one } else { two });
        Ok(f(ctx.rsi()) as i32)
      }
    `,
  },
])("$name has no bound, and works", async (t, { source }) => {
  t.expect(await boundOf(t, source)).toBe(0);
  const program = await t.load(source);
  await using _link = await program.attach();
  for (let round = 0; round < 3; round++) {
    t.expect((await t.guest.syscall("dup", 999)).exits).toEqual([]);
  }
  t.expect((await program.stats()).stackBoundBytes).toBeUndefined();
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a frame of a page is not built, one that is a little smaller is", async (t) => {
  await t
    .expect(
      t.compile(rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
        fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
          let mut local = [ctx.rdi(); 512];
          core::hint::black_box(&mut local);
          Ok(local[7] as i32)
        }
      `),
    )
    .toBeRejectedByCompiler(
      /has a frame of \d+ bytes; less than 4096 are allowed: keep large values in a map/,
    );
  const bound = await boundOf(
    t,
    rex.kprobe({ function: "__x64_sys_dup", name: "prog" })`
      fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let mut local = [ctx.rdi(); 490];
        core::hint::black_box(&mut local);
        Ok(local[7] as i32)
      }
    `,
  );
  t.expect(bound).toBeGreaterThan(490 * 8);
});

rexTest("programs of one object have bounds of their own, and share what checks", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "proved" })`
    #[inline(never)]
    fn shared(n: u64) -> u64 {
      let mut local = [n; 40];
      core::hint::black_box(&mut local);
      local[(n % 40) as usize]
    }

    #[inline(never)]
    fn down(n: u64) -> u64 {
      if n == 0 { shared(n) } else { core::hint::black_box(down(n - 1)) ^ shared(n) }
    }

    fn proved(_: &kprobe, ctx: &mut PtRegs) -> Result { Ok(shared(ctx.rdi()) as i32 & 0) }

    fn recursing(_: &kprobe, ctx: &mut PtRegs) -> Result {
      Ok(down(ctx.syscall_regs()?.args()[0]) as i32 & 0)
    }
  `);
  const [proved, recursing] = await Promise.all(["proved", "recursing"].map((name) => program.stats(name)));
  t.expect(proved?.stackBoundBytes).toBeGreaterThan(320);
  t.expect(recursing?.stackBoundBytes).toBeUndefined();
  await using _proved = await program.attach({ name: "proved" });
  await using _recursing = await program.attach({ name: "recursing" });
  t.expect((await t.guest.syscall("dup", 20)).exits).toEqual([]);
  const run = await t.guest.syscall("dup", 100_000);
  t.expect(run).toOverflowStack({ program: "recursing" });
  t.expect(run.exits).toHaveLength(1);
  await t.expect(t.guest).toBeHealthy();
});
