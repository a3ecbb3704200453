// SPDX-License-Identifier: MIT
// Promise: a tc program judges packets as a filter of a device's clsact qdisc, too: on their way in and out, in the order of priorities,
// replaced in one step, and held by the filter alone.
import { rex, rexTest, u32, u64 } from "rex-test";
import { answerTo, returns } from "../attach/ebpf.ts";
import { experimental, frame } from "../packets.ts";

const judge = rex.tc({ name: "judge" })`
  #[rex_map]
  static SEEN: RexArrayMap<u64> = RexArrayMap::new(1, 0);

  fn judge(program: &sched_cls, skb: &mut __sk_buff) -> Result {
    SEEN.get_mut(&0).ok_or(0)?.fetch_add(1);
    Ok(match skb.data_slice[14] {
      1 => TC_ACT_OK,
      2 => TC_ACT_SHOT,
      3 => return Ok(-1), // TC_ACT_UNSPEC: the next filter is to judge
      4 => return program.bpf_redirect(u32::from(skb.data_slice[15]), 0),
      other => panic!("what is {other}?"),
    } as i32)
  }
`;

const [ok, shot, unspec, redirect] = [1, 2, 3, 4];
const behind = { ethertype: experimental } as const;

for (const direction of ["ingress", "egress"] as const) {
  rexTest(`a filter on ${direction} passes, drops, redirects, and survives a panic`, async (t) => {
    const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
    const other = await t.guest.net.addVeth("veth2", "veth3");
    const program = await t.load(judge);
    const at = direction === "ingress" ? peer.name : device.name;
    await using filter = await t.guest.net.addFilter(program, { device: at, direction });
    const to = other.device.index;
    const run = await t.guest.net.exchange({
      send: {
        device: device.name,
        frames: [frame([shot, 1]), frame([redirect, to]), frame([66, 3]), frame([ok, 4])],
      },
      receive: [
        { device: peer.name, ...behind, count: 1 },
        { device: other.peer.name, ...behind, count: 1 },
      ],
    });
    // A panic drops its packet.
    t.expect(run.received).toEqual([[frame([ok, 4])], [frame([redirect, to])]]);
    t.expect(run).toExitGracefully({
      reason: "panic",
      message: "what is 66?",
      program: "judge",
      level: direction === "ingress" ? "softirq" : "task",
    });
    t.expect(run.exits).toHaveLength(1);
    t.expect(await program.map("SEEN", { key: u32, value: u64 }).get(0)).toBe(4n);

    await filter.remove();
    const after = await t.guest.net.exchange({
      send: { device: device.name, frames: [frame([shot, 5])] },
      receive: [{ device: peer.name, ...behind, count: 1 }],
    });
    t.expect(after.received).toEqual([[frame([shot, 5])]]);
    await t.expect(t.guest).toBeHealthy();
  });
}

rexTest("filters run in the order of their priorities, Rex and eBPF", async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  const program = await t.load(judge);
  const stock = await t.guest.loadEbpf("sched_cls", returns(2)); // TC_ACT_SHOT
  const place = { device: "veth1", direction: "ingress" } as const;
  await using _first = await t.guest.net.addFilter(program, { ...place, priority: 5 });
  const second = await t.guest.net.addFilter(stock, { ...place, priority: 9 });
  const send = () =>
    t.guest.net.exchange({
      send: { device: "veth0", frames: [frame([unspec, 1]), frame([ok, 2])] },
      receive: [{ device: "veth1", ...behind, count: 1 }],
    });
  t.expect((await send()).received).toEqual([[frame([ok, 2])]]);
  await second.remove();
  await using _before = await t.guest.net.addFilter(stock, { ...place, priority: 2 });
  const run = await t.guest.net.exchange({
    send: { device: "veth0", frames: [frame([ok, 3])] },
    receive: [{ device: "veth1", ...behind, count: 1 }],
    timeoutMs: 300,
  });
  t.expect(run.received).toEqual([[]]);
  t.expect(await program.map("SEEN", { key: u32, value: u64 }).get(0), "not asked").toBe(2n);
});

rexTest("a filter's program is replaced under traffic", { cpus: 2, timeoutMs: 60_000 }, async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  const first = await t.load(judge);
  const second = await t.load(judge, { maps: { SEEN: first.map("SEEN") } });
  await using filter = await t.guest.net.addFilter(first, { device: "veth0", direction: "egress" });
  const frames = 10_000;
  let over = false;
  const traffic = t.guest.net
    .exchange({ send: { device: "veth0", frames: [frame([ok])], repeat: frames }, cpu: 1 })
    .finally(() => {
      over = true;
    });
  let updates = 0;
  while (!over) {
    await filter.replace(updates++ % 2 === 0 ? second : first);
  }
  t.expect((await traffic).sent).toBe(frames);
  t.expect(updates).toBeGreaterThan(2);
  t.expect(await first.map("SEEN", { key: u32, value: u64 }).get(0)).toBe(BigInt(frames));
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a filter holds its program, and so does its device", async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  const objects = async () => (await t.guest.inventory()).rexStats?.["objects"];
  const program = await t.load(judge);
  await t.guest.net.addFilter(program, { device: "veth1", direction: "ingress" });
  await program.unload();
  t.expect(await objects()).toBe(1);
  const run = await t.guest.net.exchange({
    send: { device: "veth0", frames: [frame([66]), frame([ok])] },
    receive: [{ device: "veth1", ...behind, count: 1 }],
  });
  t.expect(run).toExitGracefully({ message: "what is 66?" });
  await t.guest.net.remove("veth0");
  await t.expect.poll(objects, { timeout: 5_000 * t.kernel.slowness.time }).toBe(0);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("places that are taken, and programs of other types", async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  const place = { device: "veth1", direction: "ingress" } as const;
  const program = await t.load(judge);
  await using _filter = await t.guest.net.addFilter(program, place);
  t.expect(await answerTo(t.guest.net.addFilter(program, place))).toBe("EEXIST");
  const xdp = await t.load(rex.xdp({ name: "wrong" })`
    fn wrong(_: &xdp, _ctx: &mut xdp_md) -> Result { Ok(XDP_PASS as i32) }
  `);
  const stock = await t.guest.loadEbpf("xdp", returns(2));
  const other = { ...place, priority: 3 };
  const refused = await answerTo(t.guest.net.addFilter(stock, other));
  t.expect(refused).toBe("EINVAL");
  t.expect(await answerTo(t.guest.net.addFilter(xdp, other))).toBe(refused);
  await t.expect(t.guest.net.addFilter(program, { ...place, device: "eth7" })).rejects.toThrow(/eth7/);
  await t.expect(t.guest).toBeHealthy();
});
