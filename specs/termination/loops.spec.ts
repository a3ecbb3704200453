// SPDX-License-Identifier: MIT
// Promise: a program that does not end is ended, wherever its loop is, at its time limit plus at most one tick; the hooked system
// call then does what it always does, and the next program runs.
import { rex, rexTest } from "rex-test";
import { expectTimely, setLimits } from "./limits.ts";

const limits = { timeoutMs: 200, tickMs: 20 };

const loops = [
  {
    name: "a loop that does nothing",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
      fn endless(_: &kprobe, _ctx: &mut PtRegs) -> Result {
        loop {}
      }
    `,
    frames: [/endless/],
    message: /ms$/,
  },
  {
    name: "a loop in a function that is called",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
      #[inline(never)]
      fn collatz(mut n: u64) -> u64 {
        while core::hint::black_box(n) != 0 {
          n = if n % 2 == 0 { n / 2 } else { 3 * (n % 1_000_000) + 1 };
        }
        n
      }

      fn endless(_: &kprobe, ctx: &mut PtRegs) -> Result {
        Ok(collatz(ctx.rdi() | 1) as i32)
      }
    `,
    frames: [/endless::collatz/, /rex_entry/, /rex_dispatcher_func/, /do_syscall_64/],
    message: /ms$/,
  },
  {
    name: "a closure",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
      fn endless(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let start = ctx.rdi();
        let spin = |mut n: u64| -> i32 {
          loop {
            n = core::hint::black_box(n).wrapping_mul(start);
          }
        };
        Ok(core::hint::black_box(spin)(3))
      }
    `,
    frames: [/endless/],
    message: /ms$/,
  },
  {
    name: "an iterator",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
      fn endless(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let start = ctx.rdi();
        Ok((0..).cycle().map(|n: u64| core::hint::black_box(n ^ start)).filter(|n| n % 3 == 0).fold(0u64, |a, n| a ^ n) as i32)
      }
    `,
    frames: [/endless/],
    message: /ms$/,
  },
  {
    // Two dozen levels deep, so within its stack, and all of them in the trace; some hundred thousand calls until it begins again.
    name: "a recursion that is begun again and again",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
      #[inline(never)]
      fn fibonacci(n: u64) -> u64 {
        if n < 2 { return core::hint::black_box(n); }
        fibonacci(n - 1).wrapping_add(fibonacci(n - 2))
      }

      fn endless(_: &kprobe, ctx: &mut PtRegs) -> Result {
        loop {
          fibonacci(24 + (ctx.rdi() & 1));
        }
      }
    `,
    frames: [/endless::fibonacci/, /rex_dispatcher_func/],
    message: /ms$/,
  },
  {
    name: "copying memory",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
      fn endless(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let from = [ctx.rdi() as u8; 1536];
        let mut to = [0; 1536];
        loop {
          to.copy_from_slice(core::hint::black_box(&from));
          core::hint::black_box(&to);
        }
      }
    `,
    frames: [/rex_entry/],
    message: /ms$/,
  },
  {
    name: "calls of a cheap helper",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
      fn endless(program: &kprobe, _ctx: &mut PtRegs) -> Result {
        loop {
          core::hint::black_box(program.bpf_ktime_get_ns());
        }
      }
    `,
    frames: [/endless/],
    message: /ms$/,
  },
  {
    name: "the Display of a panic's argument",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
      struct Forever;

      impl core::fmt::Display for Forever {
        fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
          loop {}
        }
      }

      fn endless(_: &kprobe, _ctx: &mut PtRegs) -> Result {
        panic!("before {}", Forever)
      }
    `,
    frames: [/rust_begin_unwind|rex::panic/, /rex_entry/],
    message: /ms, while the message of a panic was formatted$/,
  },
  {
    name: "a helper that the Display of a panic's argument calls",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "endless" })`
      struct Forever;

      impl core::fmt::Display for Forever {
        fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
          loop {
            let _ = rex_printk!("still formatting the message of a panic, and not about to stop soon");
          }
        }
      }

      fn endless(_: &kprobe, _ctx: &mut PtRegs) -> Result {
        panic!("before {}", Forever)
      }
    `,
    frames: [/rust_begin_unwind|rex::panic/, /rex_entry/],
    message: /ms, while the message of a panic was formatted$/,
  },
];

for (const { name, program, frames, message } of loops) {
  rexTest(`${name} is ended`, async (t) => {
    await setLimits(t, limits);
    const endless = await t.load(program);
    await using _link = await endless.attach();
    for (let round = 0; round < 2; round++) {
      const run = await t.guest.syscall("dup", 999);
      t.expect(run).toExitGracefully({ reason: "timeout", message, frames, program: "endless" });
      t.expect(run).toReturn("EBADF");
      t.expect(run.exits).toHaveLength(1);
      expectTimely(t, run.exits[0], limits);
    }
    await t.expect(t.guest).toBeHealthy();
    await t.expect(t.guest).toHoldNoResources();
  });
}
