// SPDX-License-Identifier: MIT
// Promise: after a tc program has changed the shape of its packet, slice and fields are those of the packet as it then is.
import { i32, rex, rexTest, u32 } from "rex-test";
import { configure, forward, withHostTools } from "../network.ts";
import { frame, ipv4, udp } from "../packets.ts";

const signed = (value: number) => value & 0xff;

// The destination's first byte says what to do, the second by how much; then the third byte of the slice is written to.
const shaping = rex.tc({ name: "shaping" })`
  #[rex_map]
  static SEEN: RexArrayMap<u32> = RexArrayMap::new(8, 0);

  fn shaping(program: &sched_cls, skb: &mut __sk_buff) -> Result {
    let (what, by) = (skb.data_slice[0], i32::from(skb.data_slice[1] as i8));
    let result = match what {
      b'v' => program.bpf_skb_vlan_push(skb, 0x8100u16.to_be(), 0x2007),
      b'w' => program
        .bpf_skb_vlan_push(skb, 0x8100u16.to_be(), 7)
        .and_then(|_| program.bpf_skb_vlan_push(skb, 0x88a8u16.to_be(), 8)),
      b'o' => program.bpf_skb_vlan_push(skb, 0x8100u16.to_be(), 7).and_then(|_| program.bpf_skb_vlan_pop(skb)),
      b'h' => program.bpf_skb_change_head(skb, by as u32, 0),
      b'm' => program.bpf_skb_adjust_room(skb, by, BPF_ADJ_ROOM_MAC, 0),
      b'n' => program.bpf_skb_adjust_room(skb, by, BPF_ADJ_ROOM_NET, 0),
      b'6' => program.bpf_skb_change_proto(skb, 0x86ddu16.to_be(), 0),
      b'4' => program
        .bpf_skb_change_proto(skb, 0x86ddu16.to_be(), 0)
        .and_then(|_| program.bpf_skb_change_proto(skb, 0x0800u16.to_be(), 0)),
      _ => Err(-1),
    };
    let seen = [
      skb.len(), skb.data_slice.len() as u32, u32::from(u16::from_be(skb.protocol() as u16)), skb.vlan_present(),
      skb.vlan_tci(), u32::from(u16::from_be(skb.vlan_proto() as u16)),
    ];
    for (index, value) in (0..).zip(seen) {
      SEEN.insert(&index, &value)?;
    }
    if result.is_ok() {
      skb.data_slice[2] = 0xaa;
      let last = skb.data_slice.len() - 1;
      skb.data_slice[last] = 0xbb;
    }
    result
  }
`;

rexTest("VLAN tags, room and protocol", async (t) => {
  const program = await t.load(shaping);
  const seen = program.map("SEEN", { key: u32, value: u32 });
  const plain = udp();
  const shape = async (what: string, by = 0) => {
    const data = Buffer.from(plain);
    data.write(what, 0, "latin1");
    data.writeUInt8(signed(by), 1);
    const run = await program.testRun({ data });
    const [len = 0, linear, protocol, present, tci, vlanProtocol] = (await seen.entries()).map(([, v]) => v);
    t.expect(linear, `${what} ${by}: all of it is in the slice`).toBe(len);
    const tag = present === 1 ? { tci, vlanProtocol } : undefined;
    return { result: run.retval | 0, more: len - plain.length, protocol, tag, bytes: Buffer.from(run.data) };
  };
  /** The packet with bytes put in, or taken out, and the two that the program writes afterwards. */
  const changed = (what: string, by: number, where: number, more: readonly number[] | number) => {
    const data = Buffer.from(plain);
    data.write(what, 0, "latin1");
    data.writeUInt8(signed(by), 1);
    const rest = data.subarray(typeof more === "number" ? where + more : where);
    const inserted = typeof more === "number" ? [] : more;
    const bytes = Buffer.from([...data.subarray(0, where), ...inserted, ...rest]);
    bytes.writeUInt8(0xaa, 2);
    bytes.writeUInt8(0xbb, bytes.length - 1);
    return bytes;
  };
  const zeroes = (count: number) => new Array<number>(count).fill(0);

  const tagged = await shape("v");
  t.expect(tagged).toMatchObject({ result: 0, more: 0, tag: { tci: 0x2007, vlanProtocol: 0x8100 } });
  const twice = await shape("w");
  t.expect(twice).toMatchObject({ result: 0, more: 4, tag: { tci: 8, vlanProtocol: 0x88a8 } });
  t.expect(twice.bytes).toEqual(changed("w", 0, 12, [0x81, 0, 0, 7]));
  t.expect(await shape("o")).toEqual({
    result: 0,
    more: 0,
    protocol: ipv4,
    tag: undefined,
    bytes: changed("o", 0, 0, []),
  });

  t.expect(await shape("h", 6)).toMatchObject({ result: 0, more: 6, bytes: changed("h", 6, 0, zeroes(6)) });
  t.expect(await shape("m", 8)).toMatchObject({ result: 0, more: 8, bytes: changed("m", 8, 14, zeroes(8)) });
  t.expect(await shape("n", 8)).toMatchObject({ result: 0, more: 8, bytes: changed("n", 8, 34, zeroes(8)) });
  t.expect(await shape("n", -4)).toMatchObject({ result: 0, more: -4, bytes: changed("n", -4, 34, 4) });
  const enotsupp = -524;
  t.expect(await shape("n", -100), "more than there is").toMatchObject({ result: enotsupp, more: 0 });

  const six = await shape("6");
  t.expect(six).toMatchObject({ result: 0, more: 20, protocol: 0x86dd });
  t.expect(six.bytes.length).toBe(plain.length + 20);
  t.expect(await shape("4")).toMatchObject({ result: 0, more: 0, protocol: ipv4 });
  await t.expect(t.guest).toBeHealthy();
});

rexTest("bytes from a header on", async (t) => {
  const program = await t.load(rex.tc({ name: "relative" })`
    #[rex_map]
    static RESULTS: RexArrayMap<i32> = RexArrayMap::new(4, 0);

    fn relative(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      let (mut protocol, mut ethertype) = ([0u8; 1], [0u8; 2]);
      let mut beyond = [7u8; 4];
      let len = skb.len();
      let results = [
        program.bpf_skb_load_bytes_relative(skb, 9, &mut protocol, BPF_HDR_START_NET),
        program.bpf_skb_load_bytes_relative(skb, 12, &mut ethertype, BPF_HDR_START_MAC),
        program.bpf_skb_load_bytes_relative(skb, len - 3, &mut beyond, BPF_HDR_START_MAC),
        program.bpf_skb_load_bytes_relative(skb, 0, &mut beyond, 9),
      ];
      for (index, result) in (0..).zip(results) {
        RESULTS.insert(&index, &result.unwrap_or_else(|errno| errno))?;
      }
      Ok((protocol == [17] && ethertype == [8, 0] && beyond == [0; 4]) as i32)
    }
  `);
  t.expect(await program.testRun({ data: udp() })).toReturn(1);
  const results = await program.map("RESULTS", { key: u32, value: i32 }).entries();
  t.expect(results.map(([, value]) => value)).toEqual([0, 0, -14, -14]);
});

rexTest("a packet is sent to a neighbour of another device", withHostTools, async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  const { device } = await t.guest.net.addVeth("veth2", "veth3");
  const macs = [
    [2, 0, 0, 0, 0, 0x77],
    [2, 0, 0, 0, 0, 0x78],
  ] as const;
  await configure(
    t,
    "address add 10.1.0.1/24 dev veth2",
    "neighbour add 10.1.0.7 lladdr 02:00:00:00:00:77 dev veth2 nud permanent",
    "neighbour add 10.1.0.8 lladdr 02:00:00:00:00:78 dev veth2 nud permanent",
  );
  await forward(t, true);
  const program = await t.load(rex.tc({ name: "neighbour" })`
    fn neighbour(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      let device = u32::from(program.udp_header(skb).dest.to_be());
      match program.udp_header(skb).source.to_be() {
        // By the receiver's address, and by a next hop of the program's.
        1 => program.bpf_redirect_neigh(device, None, 0),
        2 => program.bpf_redirect_neigh(device, Some(&bpf_redir_neigh::ipv4(u32::from_ne_bytes([10, 1, 0, 8]))), 0),
        _ => Ok(TC_ACT_SHOT as i32),
      }
    }
  `);
  await using _link = await program.attach({
    target: { kind: "tcx", device: "veth1", direction: "ingress" },
  });
  const addresses = { source: [10, 0, 0, 2], destination: [10, 1, 0, 7] };
  const frames = [1, 2].map((sourcePort) => udp({ addresses, sourcePort, destinationPort: device.index }));
  const run = await t.guest.net.exchange({
    send: { device: "veth0", frames },
    receive: [{ device: "veth3", count: 2, ethertype: ipv4 }],
  });
  const from = device.mac.split(":").map((part) => Number.parseInt(part, 16));
  const sent = frames.map((bytes, i) => Buffer.from([...(macs[i] ?? []), ...from, ...bytes.subarray(12)]));
  t.expect(run.received).toEqual([sent]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("redirections that can't be are dropped", async (t) => {
  const program = await t.load(rex.tc({ name: "verdicts" })`
    fn verdicts(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      match skb.data_slice[14] {
        0 => program.bpf_redirect_peer(1, 0),
        1 => program.bpf_redirect_peer(1, 1),
        2 => program.bpf_redirect_neigh(1, None, 1),
        3 => program.bpf_redirect(1, 1 << 20),
        _ => program.bpf_redirect(1, 0),
      }
    }
  `);
  const [shot, redirect] = [2, 7];
  for (const [which, verdict] of [redirect, shot, shot, shot, redirect].entries())
    t.expect(await program.testRun({ data: frame([which]) }), `case ${which}`).toReturn(verdict);
});
