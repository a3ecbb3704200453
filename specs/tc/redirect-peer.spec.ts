// SPDX-License-Identifier: MIT
// Promise: a packet that a tc program redirects to the other end of a device is received there, in another network namespace.
import { rex, rexTest } from "rex-test";
import { addNamespace, withHostTools } from "../network.ts";
import { frame } from "../packets.ts";

rexTest("a packet goes straight into another network namespace", withHostTools, async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  const { device } = await t.guest.net.addVeth("veth2", "veth3");
  const there = await addNamespace(t);
  await there.take("veth3");
  const program = await t.load(rex.tc({ name: "peer" })`
    fn peer(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      match skb.data_slice[14] {
        0 => Ok(TC_ACT_SHOT as i32),
        device => program.bpf_redirect_peer(u32::from(device), 0),
      }
    }
  `);
  await using _link = await program.attach({
    target: { kind: "tcx", device: "veth1", direction: "ingress" },
  });
  const before = await there.received("veth3");
  const to = device.index;
  const run = await t.guest.net.exchange({
    send: { device: "veth0", frames: [frame([to, 1, 2]), frame([0]), frame([to, 3])] },
    receive: [{ device: "veth2", count: 1 }],
    timeoutMs: 300,
  });
  t.expect(run.exits).toEqual([]);
  t.expect(run.received, "nothing goes through the near end").toEqual([[]]);
  const after = await there.received("veth3");
  t.expect(after.packets - before.packets).toBe(2);
  t.expect(after.bytes - before.bytes, "with their Ethernet headers").toBe(17 + 16);
  await t.expect(t.guest).toBeHealthy();
});
