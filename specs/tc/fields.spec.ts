// SPDX-License-Identifier: MIT
// Promise: a tc program sets the fields of its packet that tc programs may set, each of them and no other, and sees what it has set.
import { i32, rex, rexTest, u32 } from "rex-test";
import { frame, udp } from "../packets.ts";

// Offsets in struct __sk_buff, which is 192 bytes long.
const at = { mark: 8, priority: 32, cb: 48 };

rexTest("each setter sets its own field", async (t) => {
  const program = await t.load(rex.tc({ name: "setters" })`
    #[rex_map]
    static SEEN: RexArrayMap<u32> = RexArrayMap::new(16, 0);

    fn setters(_: &sched_cls, skb: &mut __sk_buff) -> Result {
      skb.set_mark(0x11112222);
      skb.set_priority(0x33334444);
      skb.set_tc_classid(0x5555);
      skb.set_tc_index(0x6666);
      skb.set_queue_mapping(0x7777)?;
      skb.set_cb([1, 2, 3, 4, 0xffffffff]);
      let none = skb.set_queue_mapping(65535);
      let seen = [
        skb.mark(), skb.priority(), skb.tc_classid(), skb.tc_index(), skb.queue_mapping(),
        skb.cb()[0], skb.cb()[1], skb.cb()[2], skb.cb()[3], skb.cb()[4],
        u32::from(none == Err(-22)), skb.len(), skb.data_length() as u32,
      ];
      for (index, value) in (0..).zip(seen) {
        SEEN.insert(&index, &value)?;
      }
      Ok(TC_ACT_OK as i32)
    }
  `);
  const data = udp();
  const run = await program.testRun({ data, context: Buffer.alloc(192) });
  t.expect(run).toReturn(0);
  t.expect(run.data, "none of them is in the packet").toEqual(data);
  const seen = (await program.map("SEEN", { key: u32, value: u32 }).entries()).map(([, value]) => value);
  t.expect(seen.slice(0, 5)).toEqual([0x11112222, 0x33334444, 0x5555, 0x6666, 0x7777]);
  t.expect(seen.slice(5, 10)).toEqual([1, 2, 3, 4, 0xffffffff]);
  t.expect(seen.slice(10, 13)).toEqual([1, data.length, data.length]);
  // What the kernel says of the packet afterwards.
  const context = Buffer.from(run.context);
  t.expect(context.readUInt32LE(at.mark)).toBe(0x11112222);
  t.expect(context.readUInt32LE(at.priority)).toBe(0x33334444);
  const words = [0, 1, 2, 3, 4].map((word) => context.readUInt32LE(at.cb + 4 * word));
  t.expect(words).toEqual([1, 2, 3, 4, 0xffffffff]);
});

rexTest("a field that is set leaves what the program knows of the packet's bytes as it was", async (t) => {
  const program = await t.load(rex.tc({ name: "between" })`
    fn between(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      skb.data_slice[14] = 1;
      skb.set_mark(7);
      skb.data_slice[15] = 2;
      program.bpf_set_hash(skb, 9)?;
      skb.data_slice[16] = 3;
      Ok(i32::from(skb.data_slice[14] + skb.data_slice[15] + skb.data_slice[16]))
    }
  `);
  const run = await program.testRun({ data: frame([9, 9, 9, 9]) });
  t.expect(run).toReturn(6);
  t.expect(run.data).toEqual(frame([1, 2, 3, 9]));
});

rexTest("hash and type of a packet", async (t) => {
  const program = await t.load(rex.tc({ name: "others" })`
    #[rex_map]
    static SEEN: RexArrayMap<u32> = RexArrayMap::new(8, 0);
    #[rex_map]
    static RESULTS: RexArrayMap<i32> = RexArrayMap::new(4, 0);

    fn others(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      let computed = program.bpf_get_hash_recalc(skb);
      let (same, again) = (skb.hash(), program.bpf_get_hash_recalc(skb));
      program.bpf_set_hash(skb, 0xdeadbeef)?;
      let (set, kept) = (skb.hash(), program.bpf_get_hash_recalc(skb));
      program.bpf_set_hash_invalid(skb)?;
      let anew = program.bpf_get_hash_recalc(skb);
      for (index, value) in (0..).zip([computed, same, again, set, kept, anew, skb.pkt_type()]) {
        SEEN.insert(&index, &value)?;
      }
      // For this host, and a type that nobody may set.
      let results = [program.bpf_skb_change_type(skb, 0), program.bpf_skb_change_type(skb, 5)];
      for (index, result) in (0..).zip(results) {
        RESULTS.insert(&index, &result.unwrap_or_else(|errno| errno))?;
      }
      Ok(skb.pkt_type() as i32)
    }
  `);
  // Its hardware address is not that of the loopback device.
  const [host, otherHost] = [0, 3];
  t.expect(await program.testRun({ data: udp() })).toReturn(host);
  const seen = (await program.map("SEEN", { key: u32, value: u32 }).entries()).map(([, value]) => value);
  const [computed = 0] = seen;
  t.expect(computed, "a flow has a hash").not.toBe(0);
  t.expect(seen.slice(0, 7)).toEqual([
    computed,
    computed,
    computed,
    0xdeadbeef,
    0xdeadbeef,
    computed,
    otherHost,
  ]);
  const results = await program.map("RESULTS", { key: u32, value: i32 }).entries();
  t.expect(results.slice(0, 2).map(([, value]) => value)).toEqual([0, -22]);
});

rexTest("a mark that is set on the way in is seen on the way out", async (t) => {
  const first = await t.guest.net.addVeth("veth0", "veth1");
  const second = await t.guest.net.addVeth("veth2", "veth3");
  const program = await t.load(rex.program("hand_over")`
    #![no_std]
    #![no_main]
    use rex::sched_cls::*;
    use rex::{Result, rex_tc};

    #[rex_tc]
    fn incoming(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      let to = u32::from(skb.data_slice[14]);
      skb.set_mark(0xabcd);
      program.bpf_redirect(to, 0)
    }

    #[rex_tc]
    fn outgoing(_: &sched_cls, skb: &mut __sk_buff) -> Result {
      Ok(if skb.mark() == 0xabcd { TC_ACT_OK } else { TC_ACT_SHOT } as i32)
    }
  `);
  const at = (device: string, direction: "ingress" | "egress", name: string) =>
    program.attach({ name, target: { kind: "tcx", device, direction } });
  await using _in = await at(first.peer.name, "ingress", "incoming");
  await using _out = await at(second.device.name, "egress", "outgoing");
  const to = second.device.index;
  const run = await t.guest.net.exchange({
    send: { device: "veth0", frames: [frame([to, 1])] },
    receive: [{ device: "veth3", count: 1 }],
  });
  t.expect(run.received).toEqual([[frame([to, 1])]]);
  const direct = await t.guest.net.exchange({
    send: { device: "veth2", frames: [frame([to, 2])] },
    receive: [{ device: "veth3", count: 1 }],
    timeoutMs: 300,
  });
  t.expect(direct.received, "without the mark").toEqual([[]]);
});
