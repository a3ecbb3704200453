// SPDX-License-Identifier: MIT
// Promise: a program sees the value of its own CPU in a per-CPU map, and user space sees them all.
import { rex, rexTest, u32, u64 } from "rex-test";

const cpus = 2;
const codecs = { key: u32, value: u64 };

for (const { name, type } of [
  { name: "array", type: "RexPerCPUArrayMap<u64>" },
  { name: "hash", type: "RexPerCPUHashMap<u32, u64>" },
  { name: "LRU hash", type: "RexLruPerCPUHashMap<u32, u64>" },
]) {
  rexTest(`each CPU counts in its own value of a per-CPU ${name}`, { cpus }, async (t) => {
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "per_cpu" })`
      #[rex_map]
      static CALLS: ${type} = RexMapHandle::new(4, 0);

      fn per_cpu(_: &kprobe, _ctx: &mut PtRegs) -> Result {
        match CALLS.get_mut(&1) {
          Some(mut calls) => { *calls += 1; Ok(0) }
          None => CALLS.insert(&1, &1),
        }
      }
    `);
    await using _link = await program.attach();
    await t.guest.syscall("dup", 999, { cpu: 0, repeat: 3 });
    await t.guest.syscall("dup", 999, { cpu: 1, repeat: 5 });
    const calls = program.map("CALLS", codecs);
    t.expect(calls.info.valuesPerEntry).toBe(cpus);
    t.expect(await calls.getPerCpu(1)).toEqual([3n, 5n]);
  });
}

rexTest("what user space sets for each CPU is what a program on it reads", { cpus }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "reader" })`
    #[rex_map]
    static GIVEN: RexPerCPUArrayMap<u64> = RexPerCPUArrayMap::new(2, 0);
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(4, 0);

    fn reader(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let cpu = program.bpf_get_smp_processor_id() as u32;
      SEEN.insert(&cpu, &GIVEN.get(&1).unwrap_or(0))
    }
  `);
  await program.map("GIVEN", codecs).setPerCpu(1, [100n, 200n]);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999, { cpu: 1 });
  await t.guest.syscall("dup", 999, { cpu: 0 });
  t.expect(await program.map("SEEN", codecs).entries()).toEqual([
    [0, 100n],
    [1, 200n],
    [2, 0n],
    [3, 0n],
  ]);
  t.expect(await program.map("GIVEN", codecs).entriesPerCpu()).toEqual([
    [0, [0n, 0n]],
    [1, [100n, 200n]],
  ]);
});

rexTest(
  "a program looks another CPU's value up by its number, and none of a CPU that can't exist",
  { cpus },
  async (t) => {
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "summer" })`
    #[rex_map]
    static PARTS: RexPerCPUArrayMap<u64> = RexPerCPUArrayMap::new(1, 0);
    #[rex_map]
    static SUM: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn summer(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let mut found = 0;
      let mut sum = 0;
      for cpu in [0, 1, 2, 3, 64, 4096, u32::MAX] {
        if let Some(part) = program.bpf_map_lookup_percpu_elem(&PARTS, &0, cpu) {
          found += 1;
          sum += *part;
        }
      }
      SUM.insert(&0, &found)?;
      SUM.insert(&1, &sum)
    }
  `);
    await program.map("PARTS", codecs).setPerCpu(0, [40n, 2n]);
    await using _link = await program.attach();
    await t.guest.syscall("dup", 999);
    t.expect(await program.map("SUM", codecs).entries()).toEqual([
      [0, 2n],
      [1, 42n],
    ]);
  },
);

rexTest("a per-CPU value that is no multiple of a word keeps its neighbours apart", { cpus }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "odd" })`
    #[rex_map]
    static ODD: RexPerCPUHashMap<u32, [u8; 13]> = RexPerCPUHashMap::new(4, 0);

    fn odd(program: &kprobe, ctx: &mut PtRegs) -> Result {
      let key = ctx.syscall_regs()?.args()[0] as u32;
      let fill = key as u8 + program.bpf_get_smp_processor_id() as u8;
      match ODD.get_mut(&key) {
        Some(mut value) => { value.fill(fill); Ok(0) }
        None => ODD.insert(&key, &[fill; 13]),
      }
    }
  `);
  await using _link = await program.attach();
  for (const cpu of [0, 1]) for (const fd of [10, 20]) await t.guest.syscall("dup", fd, { cpu });
  const odd = program.map("ODD");
  const key = (number: number) => u32.encode(number);
  const filled = (byte: number) => new Array(13).fill(byte);
  t.expect((await odd.getPerCpu(key(10)))?.map((value) => [...value])).toEqual([filled(10), filled(11)]);
  t.expect((await odd.getPerCpu(key(20)))?.map((value) => [...value])).toEqual([filled(20), filled(21)]);
});
