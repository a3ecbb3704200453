// SPDX-License-Identifier: MIT
// Promise: preempt count, interrupt flag and RCU nesting after a program are what they were before, in every context and however it
// ended. And the runtime looks: a program that comes back with one of them changed, which no compiled program can do, is told of,
// counted and put right.
import { type Program, rex, rexTest, type TestContext, u32, u64 } from "rex-test";
import { contexts } from "../contexts.ts";
import { alter, instructions } from "../faults/altered.ts";
import { setLimits } from "../termination/limits.ts";

const cpu = 1;

async function unbalanced(t: TestContext): Promise<number> {
  return (await t.guest.inventory()).rexStats?.["unbalanced"] ?? Number.NaN;
}

const reasons = [
  {
    reason: "panic",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "ending" })`
      fn ending(_: &kprobe, _ctx: &mut PtRegs) -> Result { panic!("on purpose") }
    `,
  },
  {
    reason: "nested_panic",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "ending" })`
      struct Bomb;
      impl core::fmt::Display for Bomb {
        fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result { panic!("the message itself") }
      }
      fn ending(_: &kprobe, _ctx: &mut PtRegs) -> Result { panic!("before {}", Bomb) }
    `,
  },
  {
    reason: "timeout",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "ending" })`
      fn ending(program: &kprobe, _ctx: &mut PtRegs) -> Result {
        // Others must be left to look after this one.
        if program.bpf_get_smp_processor_id() != ${cpu} { return Ok(0); }
        loop {}
      }
    `,
  },
  {
    reason: "stack_overflow",
    program: rex.kprobe({ function: "__x64_sys_dup", name: "ending" })`
      #[inline(never)]
      fn deeper(level: u64) -> u64 {
        let frame = core::hint::black_box([level; 16]);
        frame[(level % 16) as usize].wrapping_add(deeper(level + 1))
      }
      fn ending(_: &kprobe, _ctx: &mut PtRegs) -> Result { Ok(core::hint::black_box(deeper(1)) as i32) }
    `,
  },
  { reason: "fault", bytes: instructions.ud2 },
] as const;

for (const context of contexts) {
  rexTest(`after every kind of end in ${context.name} the context is as before`, { cpus: 2 }, async (t) => {
    await setLimits(t, { timeoutMs: 100, tickMs: 10 });
    for (const kind of reasons) {
      await t.step(kind.reason, async () => {
        const program =
          "bytes" in kind
            ? await t.load(rex.object("faulty", alter((await t.compile("hello")).object, kind.bytes)))
            : await t.load(kind.program);
        const link = await context.attach(t, program);
        const endings = await context.endings(t, { cpu });
        await link.detach();
        await program.unload();
        for (const exit of endings)
          t.expect(exit).toMatchObject({ reason: kind.reason, level: context.level });
        t.expect(await unbalanced(t)).toBe(0);
        await t.expect(t.guest).toBeHealthy();
        await t.guest.exits();
      });
    }
  });
}

/** Reads the preempt count of its CPU, and the flags of what it interrupted: a breakpoint just behind the other program's hook. */
const observer = (preemptCount: string, offsets: string) => rex.kprobe({
  function: "__x64_sys_nanosleep",
  name: "observer",
})`
  #[rex_map]
  static SEEN: RexArrayMap<u64> = RexArrayMap::new(3, 0);

  fn observer(program: &kprobe, ctx: &mut PtRegs) -> Result {
    let mut base = 0u64;
    program.bpf_probe_read_kernel(&mut base, ${offsets}u64 as *const ())?;
    let mut count = 0u32;
    program.bpf_probe_read_kernel(&mut count, base.wrapping_add(${preemptCount}) as *const ())?;
    SEEN.insert(&0, &u64::from(count & 0x7fff_ffff))?;
    SEEN.insert(&1, &(ctx.eflags() >> 9 & 1))?;
    SEEN.get_mut(&2).ok_or(-1)?.fetch_add(1);
    Ok(0)
  }
`;

/** In struct pcpu_hot, behind the pointer to the task. */
const preemptCountOffset = 8n;
const returnZero = [0x31, 0xc0, 0xc3];
const quad = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return [...bytes];
};

async function addressOf(t: TestContext, symbol: string): Promise<bigint> {
  const [found] = await t.guest.kallsyms([symbol]);
  if (found === undefined) throw new Error(`this kernel has no ${symbol}`);
  return BigInt(found.address);
}

/** push %rbp; xor %edi, %edi; movabs $symbol, %rax; call *%rax; pop %rbp */
async function callOf(t: TestContext, symbol: string): Promise<number[]> {
  return [0x55, 0x31, 0xff, 0x48, 0xb8, ...quad(await addressOf(t, symbol)), 0xff, 0xd0, 0x5d];
}

const leaks = [
  {
    name: "interrupts off",
    config: "SMP",
    /** cli; lockdep, where there is one, is told as by local_irq_disable(). */
    code: async (t: TestContext) => [
      0xfa,
      ...(t.kernel.config.has("PROVE_LOCKING") ? await callOf(t, "lockdep_hardirqs_off") : []),
    ],
  },
  {
    name: "preemption off",
    config: "PREEMPT_COUNT",
    /** incl %gs:count */
    code: async (t: TestContext) => {
      const at = (await addressOf(t, "pcpu_hot")) + preemptCountOffset;
      return [0x65, 0xff, 0x04, 0x25, ...quad(at).slice(0, 4)];
    },
  },
  {
    name: "an RCU section open",
    config: "PREEMPT_RCU",
    code: (t: TestContext) => callOf(t, "bpf_rcu_read_lock"),
  },
];

async function sleepAndLook(t: TestContext, program: Program): Promise<(bigint | undefined)[]> {
  const map = program.map("SEEN", { key: u32, value: u64 });
  await map.set(2, 0n);
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(5_000_000n, 8);
  t.expect(await t.guest.syscall("nanosleep", time, 0, { cpu: 0 })).toReturn(0);
  t.expect(await map.get(2), "the observer ran").toBe(1n);
  return [await map.get(0), await map.get(1)];
}

for (const { name, config, code } of leaks) {
  for (const way of ["returns", "traps"] as const) {
    rexTest(
      `a program that ${way} with ${name} is put right`,
      { requires: { config }, sanitizeResources: false },
      async (t) => {
        await t.guest.writeFile("/proc/sys/debug/kprobes-optimization", "0\n");
        const watching = await t.load(
          observer(
            String((await addressOf(t, "pcpu_hot")) + preemptCountOffset),
            String(await addressOf(t, "__per_cpu_offset")),
          ),
        );
        const probe = (offset: string) =>
          watching.attach({ target: { kind: "kprobe", symbol: "__x64_sys_nanosleep", offset } });
        await probe("5").catch(() => probe("9"));
        const before = await sleepAndLook(t, watching);
        t.expect(before[1], "interrupts on").toBe(1n);

        const bytes = [...(await code(t)), ...(way === "returns" ? returnZero : instructions.ud2)];
        // A tracepoint, because what a kprobe does to the flags is undone by ftrace's own return.
        const { object } = await t.compile("tracepoint-dup");
        const leaking = await t.load(rex.object("leaking", alter(object, bytes)));
        t.expectSplat(/rex_dispatcher_func/);
        await using _link = await leaking.attach({
          target: { kind: "tracepoint", category: "syscalls", name: "sys_enter_nanosleep" },
        });
        for (let round = 1; round <= 3; round++) {
          t.expect(await sleepAndLook(t, watching)).toEqual(before);
          t.expect(await unbalanced(t)).toBe(round);
        }
        const log = (await t.guest.log()).map(({ text }) => text).join("\n");
        t.expect(log).toMatch(/rex: program \w+ left preempt_count/);
        const exits = await t.guest.exits();
        t.expect(exits.map(({ reason }) => reason)).toEqual(way === "traps" ? Array(3).fill("fault") : []);
      },
    );
  }
}
