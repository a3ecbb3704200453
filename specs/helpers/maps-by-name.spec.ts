// SPDX-License-Identifier: MIT
// Promise: the methods of a program object that have the names of the kernel's helpers for maps do what those do.
import { i32, rex, rexTest, u32 } from "rex-test";

rexTest("values of keys, by the names of the helpers", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "by_name" })`
    use rex::linux::bpf::{BPF_ANY, BPF_EXIST, BPF_NOEXIST};
    #[rex_map]
    static VALUES: RexHashMap<u32, u32> = RexHashMap::new(4, 0);
    #[rex_map]
    static OWN: RexPerCPUArrayMap<u32> = RexPerCPUArrayMap::new(1, 0);
    #[rex_map]
    static RESULTS: RexArrayMap<i32> = RexArrayMap::new(9, 0);

    fn by_name(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let number = |value: Option<u32>| value.map_or(-1, |value| value as i32);
      let results = [
        program.bpf_map_update_elem(&VALUES, &1, &10, u64::from(BPF_EXIST)).unwrap_or_else(|errno| errno),
        program.bpf_map_update_elem(&VALUES, &1, &11, u64::from(BPF_NOEXIST)).unwrap_or_else(|errno| errno),
        program.bpf_map_update_elem(&VALUES, &1, &12, u64::from(BPF_NOEXIST)).unwrap_or_else(|errno| errno),
        program.bpf_map_update_elem(&VALUES, &2, &13, u64::from(BPF_ANY)).unwrap_or_else(|errno| errno),
        number(program.bpf_map_lookup_elem(&VALUES, &1).map(|value| *value)),
        program.bpf_map_delete_elem(&VALUES, &1).unwrap_or_else(|errno| errno),
        program.bpf_map_delete_elem(&VALUES, &1).unwrap_or_else(|errno| errno),
        number(program.bpf_map_lookup_elem(&VALUES, &1).map(|value| *value)),
        number(program.bpf_map_lookup_percpu_elem(&OWN, &0, 0).map(|value| *value)),
      ];
      for (index, result) in (0..).zip(results) {
        RESULTS.insert(&index, &result)?;
      }
      Ok(0)
    }
  `);
  await program.map("OWN", { key: u32, value: u32 }).setPerCpu(0, [77]);
  await using _link = await program.attach();
  t.expect((await t.guest.syscall("dup", 999)).exits).toEqual([]);
  const results = await program.map("RESULTS", { key: u32, value: i32 }).entries();
  const [enoent, eexist] = [-2, -17];
  t.expect(results.map(([, value]) => value)).toEqual([enoent, 0, eexist, 0, 11, 0, enoent, -1, 77]);
  t.expect(await program.map("VALUES", { key: u32, value: u32 }).entries()).toEqual([[2, 13]]);
});

rexTest("queues, by the names of the helpers", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "queued" })`
    use rex::linux::bpf::{BPF_ANY, BPF_EXIST};
    #[rex_map]
    static QUEUE: RexQueue<u32> = RexQueue::new(2, 0);
    #[rex_map]
    static RESULTS: RexArrayMap<i32> = RexArrayMap::new(7, 0);

    fn queued(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let number = |value: Option<u32>| value.map_or(-1, |value| value as i32);
      let results = [
        program.bpf_map_push_elem(&QUEUE, &1, u64::from(BPF_ANY)).unwrap_or_else(|errno| errno),
        program.bpf_map_push_elem(&QUEUE, &2, u64::from(BPF_ANY)).unwrap_or_else(|errno| errno),
        program.bpf_map_push_elem(&QUEUE, &3, u64::from(BPF_ANY)).unwrap_or_else(|errno| errno),
        program.bpf_map_push_elem(&QUEUE, &4, u64::from(BPF_EXIST)).unwrap_or_else(|errno| errno),
        number(program.bpf_map_peek_elem(&QUEUE)),
        number(program.bpf_map_pop_elem(&QUEUE)),
        number(program.bpf_map_pop_elem(&QUEUE)),
      ];
      for (index, result) in (0..).zip(results) {
        RESULTS.insert(&index, &result)?;
      }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  t.expect((await t.guest.syscall("dup", 999)).exits).toEqual([]);
  const results = await program.map("RESULTS", { key: u32, value: i32 }).entries();
  const e2big = -7;
  t.expect(
    results.map(([, value]) => value),
    "the oldest goes",
  ).toEqual([0, 0, e2big, 0, 2, 2, 4]);
});
