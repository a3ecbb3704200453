// SPDX-License-Identifier: MIT
// Promise: the control group that a program is told of is that of the task, or of the socket that a packet comes from.
import { rex, rexTest, type TestContext, u32, u64 } from "rex-test";
import { frame } from "../packets.ts";

const source = rex.program("groups")`
  #![no_std]
  #![no_main]
  use rex::kprobe::kprobe;
  use rex::map::RexArrayMap;
  use rex::pt_regs::PtRegs;
  use rex::sched_cls::*;
  use rex::{Result, rex_kprobe, rex_map, rex_tc};

  #[rex_map]
  static IDS: RexArrayMap<u64> = RexArrayMap::new(4, 0);

  #[rex_kprobe(function = "__x64_sys_dup")]
  fn task(program: &kprobe, _ctx: &mut PtRegs) -> Result {
    IDS.insert(&0, &program.bpf_get_current_cgroup_id())
  }

  #[rex_tc]
  fn packet(program: &sched_cls, skb: &mut __sk_buff) -> Result {
    IDS.insert(&1, &program.bpf_skb_cgroup_id(skb))?;
    IDS.insert(&2, &program.bpf_skb_ancestor_cgroup_id(skb, 0))?;
    IDS.insert(&3, &program.bpf_skb_ancestor_cgroup_id(skb, 1))?;
    Ok(TC_ACT_OK as i32)
  }
`;

/** What the programs say of a call and of a packet that the agent's process makes. */
async function idsOf(t: TestContext): Promise<readonly bigint[]> {
  const { device } = await t.guest.net.addVeth("veth0", "veth1");
  const program = await t.load(source);
  const ids = program.map("IDS", { key: u32, value: u64 });
  for (const key of [0, 1, 2, 3]) await ids.set(key, 999n);
  await using _task = await program.attach({ name: "task" });
  await using _packet = await program.attach({
    name: "packet",
    target: { kind: "tcx", device: device.name, direction: "egress" },
  });
  await t.guest.syscall("dup", 999);
  await t.guest.net.exchange({
    send: { device: device.name, frames: [frame([1])] },
    receive: [{ device: "veth1", count: 1 }],
  });
  await t.guest.net.remove(device);
  return (await ids.entries()).map(([, id]) => id);
}

rexTest("without groups the id is 0, or that of the root", async (t) => {
  const root = t.kernel.config.has("CGROUPS") ? 1n : 0n;
  const ofPackets = t.kernel.config.has("SOCK_CGROUP_DATA") ? 1n : 0n;
  t.expect(await idsOf(t)).toEqual([root, ofPackets, ofPackets, 0n]);
});

rexTest("a process in a group, and its packets", { requires: { config: "CGROUP_BPF" } }, async (t) => {
  const succeed = async (name: string, ...args: readonly (string | number)[]) => {
    const run = await t.guest.syscall(name, ...args);
    t.expect(run.errnoName, name).toBeUndefined();
  };
  await succeed("mkdir", "/groups", 0o755);
  await succeed("mount", "none", "/groups", "cgroup2", 0, 0);
  await succeed("mkdir", "/groups/inner", 0o755);
  await t.guest.writeFile("/groups/inner/cgroup.procs", "1");
  // The id of a group is the number of its folder's inode, which is second in a struct stat.
  const { buffers } = await t.guest.syscall("stat", "/groups/inner", { buffer: 144 });
  const inner = Buffer.from(buffers[0] ?? []).readBigUInt64LE(8);
  t.expect(inner).toBeGreaterThan(1n);
  t.expect(await idsOf(t)).toEqual([inner, inner, 1n, inner]);
});
