// SPDX-License-Identifier: MIT
// Promise: a tc program judges real packets on their way in and out; it writes to a packet only when that is its own; a panic
// drops the packet and does nothing else.
import { rex, rexTest } from "rex-test";
import { experimental, frame } from "../packets.ts";

const judge = rex.tc({ name: "judge" })`
  fn judge(_: &sched_cls, skb: &mut __sk_buff) -> Result {
    Ok(match skb.data_slice[14] {
      1 => TC_ACT_OK,
      2 => TC_ACT_SHOT,
      other => panic!("what is {other}?"),
    } as i32)
  }
`;

const [ok, shot] = [1, 2];
/** Behind tc ingress. */
const behind = { ethertype: experimental, count: 1 } as const;

for (const direction of ["ingress", "egress"] as const) {
  rexTest(`tcx ${direction} passes and drops`, async (t) => {
    const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
    const program = await t.load(judge);
    const at = direction === "ingress" ? peer.name : device.name;
    await using link = await program.attach({ target: { kind: "tcx", device: at, direction } });
    t.expect(link.target).toEqual({ kind: "tcx", device: at, direction });
    const run = await t.guest.net.exchange({
      send: { device: device.name, frames: [frame([shot, 1]), frame([ok, 2])] },
      receive: [{ device: peer.name, ...behind }],
    });
    t.expect(run.received).toEqual([[frame([ok, 2])]]);
    t.expect(run.exits).toEqual([]);

    await link.detach();
    const after = await t.guest.net.exchange({
      send: { device: device.name, frames: [frame([shot, 3])] },
      receive: [{ device: peer.name, ...behind }],
    });
    t.expect(after.received).toEqual([[frame([shot, 3])]]);
    await t.expect(t.guest).toBeHealthy();
  });

  rexTest(`a panic in tcx ${direction} drops its packet`, async (t) => {
    const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
    const program = await t.load(judge);
    const at = direction === "ingress" ? peer.name : device.name;
    await using _link = await program.attach({ target: { kind: "tcx", device: at, direction } });
    const run = await t.guest.net.exchange({
      send: { device: device.name, frames: [frame([66]), frame([ok])] },
      receive: [{ device: peer.name, ethertype: experimental, count: 1 }],
    });
    t.expect(run).toExitGracefully({
      reason: "panic",
      message: "what is 66?",
      program: "judge",
      level: direction === "ingress" ? "softirq" : "task",
    });
    t.expect(run.exits).toHaveLength(1);
    t.expect(run.received).toEqual([[frame([ok])]]);
    await t.expect(t.guest).toBeHealthy();
    await t.expect(t.guest).toHoldNoResources();
  });
}

rexTest("a packet that others hold is not written to under their eyes", async (t) => {
  const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
  const program = await t.load(rex.tc({ name: "writer" })`
    fn writer(_: &sched_cls, skb: &mut __sk_buff) -> Result {
      skb.data_slice[15] = 0xaa;
      Ok(TC_ACT_OK as i32)
    }
  `);
  await using _link = await program.attach({
    target: { kind: "tcx", device: peer.name, direction: "ingress" },
  });
  const run = await t.guest.net.exchange({
    send: { device: device.name, frames: [frame([1, 2, 3])] },
    receive: [
      // In front of tc: this socket keeps a clone of the packet, which shares its bytes.
      { device: peer.name, count: 1 },
      { device: peer.name, ...behind },
    ],
  });
  t.expect(run.received).toEqual([[frame([1, 2, 3])], [frame([1, 0xaa, 3])]]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a copy goes to another device, and the packet on its way", async (t) => {
  const first = await t.guest.net.addVeth("veth0", "veth1");
  const second = await t.guest.net.addVeth("veth2", "veth3");
  const program = await t.load(rex.tc({ name: "copy" })`
    fn copy(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      let to = u32::from(skb.data_slice[14]);
      program.bpf_clone_redirect(skb, to, 0)?;
      // The copy is on its way with the bytes as they were.
      skb.data_slice[15] = 0xaa;
      Ok(TC_ACT_OK as i32)
    }
  `);
  await using _link = await program.attach({
    target: { kind: "tcx", device: "veth1", direction: "ingress" },
  });
  const to = second.device.index;
  const run = await t.guest.net.exchange({
    send: { device: first.device.name, frames: [frame([to, 2])] },
    receive: [
      { device: "veth3", count: 1 },
      { device: "veth1", ...behind },
    ],
  });
  t.expect(run.received).toEqual([[frame([to, 2])], [frame([to, 0xaa])]]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a packet is sent by another device instead", async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  const second = await t.guest.net.addVeth("veth2", "veth3");
  const program = await t.load(rex.tc({ name: "divert" })`
    fn divert(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      match skb.data_slice[14] {
        0 => Ok(TC_ACT_OK as i32),
        to => program.bpf_redirect(u32::from(to), 0),
      }
    }
  `);
  await using _link = await program.attach({
    target: { kind: "tcx", device: "veth1", direction: "ingress" },
  });
  const to = second.device.index;
  const run = await t.guest.net.exchange({
    send: { device: "veth0", frames: [frame([to, 1]), frame([0, 2])] },
    receive: [
      { device: "veth3", count: 1 },
      { device: "veth1", ...behind },
    ],
  });
  t.expect(run.received).toEqual([[frame([to, 1])], [frame([0, 2])]]);
});
