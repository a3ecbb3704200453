// SPDX-License-Identifier: MIT
// Promise: recursion that is too deep ends the program, not the kernel, whatever form it has. The record says how deep it was and
// names the functions.
import { rex, rexTest, type TestContext } from "rex-test";

/** The program half of a stack, and what one frame may reach beyond it before the overflow is seen: less than a page, and a call. */
const allowed = 16384;
const page = 4096;

async function overflows(
  t: TestContext,
  source: ReturnType<ReturnType<typeof rex.kprobe>>,
  frames: readonly (string | RegExp)[],
): Promise<void> {
  const program = await t.load(source);
  await using _link = await program.attach();
  for (let round = 0; round < 2; round++) {
    const run = await t.guest.syscall("dup", 999);
    t.expect(run).toOverflowStack({ message: /^stack overflow: \d+ bytes deep, 16384 allowed$/, frames });
    t.expect(run).toReturn("EBADF");
    const depth = Number(/\d+/.exec(run.exits[0]?.message ?? "")?.[0]);
    t.expect(depth).toBeGreaterThan(allowed);
    t.expect(depth).toBeLessThanOrEqual(allowed + page);
  }
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
}

rexTest("a function that calls itself without end exits gracefully", async (t) => {
  await overflows(
    t,
    rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
      #[inline(never)]
      fn down(n: u64) -> u64 {
        let local = core::hint::black_box([n; 4]);
        down(n + 1) ^ local[1]
      }

      fn deep(_: &kprobe, ctx: &mut PtRegs) -> Result {
        Ok(down(ctx.rdi() & 1) as i32)
      }
    `,
    ["deep::down", "deep::down", "deep::down"],
  );
});

rexTest("two functions that call each other without end exit gracefully", async (t) => {
  await overflows(
    t,
    rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
      #[inline(never)]
      fn even(n: u64) -> u64 {
        let local = core::hint::black_box([n; 9]);
        odd(n + 1) ^ local[1]
      }

      #[inline(never)]
      fn odd(n: u64) -> u64 {
        let local = core::hint::black_box([n; 3]);
        even(n + 1) ^ local[2]
      }

      fn deep(_: &kprobe, ctx: &mut PtRegs) -> Result {
        Ok(even(ctx.rdi() & 1) as i32)
      }
    `,
    [/deep::(even|odd)/, /deep::(even|odd)/],
  );
});

rexTest("recursion through a trait object exits gracefully", async (t) => {
  await overflows(
    t,
    rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
      trait Step {
        fn step(&self, next: &dyn Step, n: u64) -> u64;
      }
      struct One(u64);
      struct Two([u64; 8]);
      impl Step for One {
        #[inline(never)]
        fn step(&self, next: &dyn Step, n: u64) -> u64 {
          core::hint::black_box(next).step(self, n + self.0) ^ n
        }
      }
      impl Step for Two {
        #[inline(never)]
        fn step(&self, next: &dyn Step, n: u64) -> u64 {
          let local = core::hint::black_box(self.0);
          core::hint::black_box(next).step(self, n + 1) ^ local[3]
        }
      }

      fn deep(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let (one, two) = (One(ctx.rdi() & 1), Two([7; 8]));
        let first: &dyn Step = core::hint::black_box(&one);
        Ok(first.step(&two, 0) as i32)
      }
    `,
    [/deep::(One|Two)_as_deep::Step.*step/, /deep::(One|Two)_as_deep::Step.*step/],
  );
});

rexTest("recursion through a closure exits gracefully", async (t) => {
  await overflows(
    t,
    rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
      #[inline(never)]
      fn call(f: &dyn Fn(u64) -> u64, n: u64) -> u64 {
        let again = |m: u64| call(f, core::hint::black_box(m) + n);
        let f: &dyn Fn(u64) -> u64 = core::hint::black_box(&again);
        f(n) ^ 1
      }

      fn deep(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let n = ctx.rdi() & 1;
        Ok(call(&|m| m + n, 0) as i32)
      }
    `,
    [/deep::call/, /deep::call/],
  );
});

rexTest("recursion with frames of nearly a page exits gracefully", async (t) => {
  await overflows(
    t,
    rex.kprobe({ function: "__x64_sys_dup", name: "deep" })`
      #[inline(never)]
      fn down(n: u8) -> u64 {
        let mut local = [n; 3072];
        core::hint::black_box(&mut local);
        down(local[77].wrapping_add(1)) ^ u64::from(local[5])
      }

      fn deep(_: &kprobe, ctx: &mut PtRegs) -> Result {
        Ok(down((ctx.rdi() & 1) as u8) as i32)
      }
    `,
    ["deep::down", "deep::down"],
  );
});
