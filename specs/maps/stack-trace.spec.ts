// SPDX-License-Identifier: MIT
// Promise: a stack id stands for the stack at the hook, in addresses that kallsyms knows.
import { i64, rex, rexTest, type TestContext, u32, u64 } from "rex-test";
import { busyUntil } from "../clock.ts";

const stacks = `
  #[rex_map]
  static STACKS: RexStackTrace<u32, [u64; 20]> = RexStackTrace::new(64, 0);
  #[rex_map]
  static ID: RexArrayMap<i64> = RexArrayMap::new(1, 0);
`;

/** Names of the functions on some stacks, innermost first. */
async function symbols(
  t: TestContext,
  ...stacks: readonly (Uint8Array | undefined)[]
): Promise<readonly string[]> {
  const lines = (await t.guest.readFile("/proc/kallsyms")).split("\n").map((line) => line.split(/\s+/));
  const table = lines
    .filter(([, type]) => type !== undefined && /t/i.test(type))
    .map(([address = "", , name = ""]) => ({ address: BigInt(`0x${address}`), name }))
    .sort((a, b) => (a.address < b.address ? -1 : 1));
  return stacks
    .map((stack) => Buffer.from(stack ?? []))
    .flatMap((stack) =>
      Array.from({ length: stack.length / 8 }, (_, index) => stack.readBigUInt64LE(index * 8)),
    )
    .filter((address) => address !== 0n)
    .map((address) => table.findLast((symbol) => symbol.address <= address)?.name ?? "?");
}

rexTest("the stack at a kprobe is that of the system call", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "stacks" })`
    ${stacks}
    fn stacks(program: &kprobe, ctx: &mut PtRegs) -> Result {
      let id = program.bpf_get_stackid(ctx, &STACKS, 0).unwrap_or_else(|errno| errno);
      ID.insert(&0, &i64::from(id))
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const id = await program.map("ID", { key: u32, value: i64 }).get(0);
  t.expect(id).toBeGreaterThanOrEqual(0n);
  const stack = await program.map("STACKS").get(u32.encode(Number(id)));
  const names = await symbols(t, stack);
  t.expect(names[0]).toBe("__x64_sys_dup");
  t.expect(names).toContain("do_syscall_64");
  t.expect(names.join(), "nothing of the runtime's own").not.toMatch(/rex/);
});

rexTest("the same stack has the same id, another one another", async (t) => {
  const program = await t.load(rex.kprobe({ function: "ksys_write", name: "ids" })`
    #[rex_map]
    static STACKS: RexStackTrace<u32, [u64; 20]> = RexStackTrace::new(1024, 0);
    #[rex_map]
    static IDS: RexHashMap<u64, i64> = RexHashMap::new(64, 0);

    fn ids(program: &kprobe, ctx: &mut PtRegs) -> Result {
      // Descriptor 4242 is nobody else's.
      if ctx.rdi() as u32 != 4242 { return Ok(0); }
      let id = STACKS.stackid(0).unwrap_or_else(|errno| errno);
      let count = IDS.get(&(id as u64)).unwrap_or(0);
      IDS.insert(&(id as u64), &(count + 1))
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("write", 4242, "x", 1, { repeat: 5 });
  const ids = program.map("IDS", { key: u64, value: i64 });
  const [first, ...others] = await ids.entries();
  t.expect(others).toEqual([]);
  t.expect(first?.[1]).toBe(5n);
  t.expect(first?.[0]).toBeLessThan(1024n);
});

rexTest("a tracepoint program gets the stack of its event", async (t) => {
  const program = await t.load(rex.tracepoint({ context: "SyscallsEnterDupCtx", name: "tp_stack" })`
    ${stacks}
    fn tp_stack(program: &tracepoint<Ctx>, ctx: &'static Ctx) -> Result {
      let id = program.bpf_get_stackid(ctx, &STACKS, 0).unwrap_or_else(|errno| errno);
      ID.insert(&0, &i64::from(id))
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const id = await program.map("ID", { key: u32, value: i64 }).get(0);
  t.expect(id).toBeGreaterThanOrEqual(0n);
  const stack = await program.map("STACKS").get(u32.encode(Number(id)));
  t.expect(await symbols(t, stack)).toContain("do_syscall_64");
});

rexTest("a perf event program gets the stack that it interrupted", async (t) => {
  const program = await t.load(rex.perfEvent({ name: "sampler" })`
    #[rex_map]
    static STACKS: RexStackTrace<u32, [u64; 20]> = RexStackTrace::new(4096, 0);
    #[rex_map]
    static COUNTS: RexHashMap<i64, u64> = RexHashMap::new(4096, 0);

    fn sampler(program: &perf_event, ctx: &bpf_perf_event_data) -> Result {
      let id = program.bpf_get_stackid_pe(ctx, &STACKS, 0).unwrap_or_else(|errno| errno);
      // Code of user space has no kernel stack: -EFAULT.
      let count = COUNTS.get(&i64::from(id)).unwrap_or(0);
      COUNTS.insert(&i64::from(id), &(count + 1))
    }
  `);
  await using _link = await program.attach({
    target: { kind: "perfEvent", event: "cpu-clock", samplePeriod: "1000000", cpu: 0 },
  });
  const ids = async () =>
    (await program.map("COUNTS", { key: i64, value: u64 }).entries())
      .map(([id]) => id)
      .filter((id) => id >= 0n);
  await busyUntil(t, async () => (await ids()).length > 4, { cpu: 0 });
  const stacks = await Promise.all(
    (await ids()).map(async (id) => await program.map("STACKS").get(u32.encode(Number(id)))),
  );
  t.expect(await symbols(t, ...stacks)).toContain("do_syscall_64");
});
