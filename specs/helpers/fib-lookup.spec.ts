// SPDX-License-Identifier: MIT
// Promise: what a packet program is told of routes, neighbours and devices is what the network stack would do.
import { bytes, rex, rexTest, type TestContext, u32 } from "rex-test";
import { configure, forward, withHostTools } from "../network.ts";
import { frame, internetChecksum, udp } from "../packets.ts";

const macBytes = (mac: string) => mac.split(":").map((part) => Number.parseInt(part, 16));
const neighbour = macBytes("02:00:00:00:00:77");

// Behind the Ethernet header: the flags, the family, the device, the length, the receiver's address. The answer goes to the map.
const body = `
    #[rex_map]
    static ANSWER: RexArrayMap<[u8; 40]> = RexArrayMap::new(1, 0);

    fn lookup(program: &$object, ctx: &mut $context) -> Result {
      let number = |at: usize| u32::from(ctx.data_slice[at]);
      let (flags, family, ifindex) = (number(14), number(15), number(16));
      let tot_len = (number(17) << 8 | number(18)) as u16;
      let daddr = u32::from_ne_bytes([ctx.data_slice[19], ctx.data_slice[20], ctx.data_slice[21], ctx.data_slice[22]]);
      let mut params = bpf_fib_lookup {
        family: family as u8,
        tot_len,
        ..bpf_fib_lookup::ipv4(ifindex, u32::from_ne_bytes([10, 0, 0, 2]), daddr)
      };
      let result = program.bpf_fib_lookup(ctx, &mut params, flags);
      let mut answer = [0; 40];
      answer[..6].copy_from_slice(&params.smac);
      answer[6..12].copy_from_slice(&params.dmac);
      answer[12..16].copy_from_slice(&params.dst[0].to_ne_bytes());
      answer[16..20].copy_from_slice(&params.ifindex.to_ne_bytes());
      answer[20..22].copy_from_slice(&params.tot_len.to_ne_bytes());
      ANSWER.insert(&0, &answer)?;
      result
    }
`;

function asking(type: "xdp" | "tc") {
  const [object, context] = type === "xdp" ? ["xdp", "xdp_md"] : ["sched_cls", "__sk_buff"];
  const source = body.replace("$object", object).replace("$context", context);
  return rex[type]({ name: "lookup" })`${source}`;
}

/** Packets come by veth1 (10.0.0.1/24) and go by veth2 (10.1.0.1/24), behind which is 10.1.0.7, a gateway to 192.168.5.0/24. */
async function router(t: TestContext) {
  const first = await t.guest.net.addVeth("veth0", "veth1");
  const second = await t.guest.net.addVeth("veth2", "veth3");
  await configure(
    t,
    "address add 10.0.0.1/24 dev veth1",
    "address add 10.1.0.1/24 dev veth2",
    "neighbour add 10.1.0.7 lladdr 02:00:00:00:00:77 dev veth2 nud permanent",
    "route add 192.168.5.0/24 via 10.1.0.7",
  );
  await forward(t, true);
  return { incoming: first.peer, outgoing: second.device };
}

const [success, notForwarded, disabled, noNeighbour, tooLong] = [0, 4, 5, 7, 8];
const [enodev, einval, eafnosupport] = [-19, -22, -97].map((errno) => errno >>> 0) as [
  number,
  number,
  number,
];

for (const type of ["xdp", "tc"] as const) {
  rexTest(`${type}: the answer is the next hop, its address and the device`, withHostTools, async (t) => {
    const { incoming, outgoing } = await router(t);
    const program = await t.load(asking(type));
    const answers = program.map("ANSWER", { key: u32, value: bytes });
    const ask = async ({
      to,
      flags = 0,
      family = 2,
      device = incoming.index,
      length = 100,
    }: {
      to: readonly number[];
      flags?: number;
      family?: number;
      device?: number;
      length?: number;
    }) => {
      const data = frame([flags, family, device, length >> 8, length & 0xff, ...to]);
      const { retval } = await program.testRun({ data });
      const answer = Buffer.from((await answers.get(0)) ?? []);
      return {
        retval,
        smac: [...answer.subarray(0, 6)],
        dmac: [...answer.subarray(6, 12)],
        to: [...answer.subarray(12, 16)],
        device: answer.readUInt32LE(16),
        mtu: answer.readUInt16LE(20),
      };
    };
    const good = {
      retval: success,
      smac: macBytes(outgoing.mac),
      dmac: neighbour,
      to: [10, 1, 0, 7],
      device: outgoing.index,
      mtu: 1500,
    };
    t.expect(await ask({ to: [10, 1, 0, 7] }), "on the link").toEqual(good);
    t.expect(await ask({ to: [192, 168, 5, 9] }), "by the gateway").toEqual(good);

    const skipNeighbour = 4;
    const stranger = [10, 1, 0, 8];
    t.expect((await ask({ to: stranger })).retval, "no such neighbour").toBe(noNeighbour);
    t.expect(await ask({ to: stranger, flags: skipNeighbour })).toMatchObject({
      retval: success,
      device: outgoing.index,
    });
    t.expect((await ask({ to: [10, 1, 0, 1] })).retval, "the machine itself").toBe(notForwarded);
    t.expect((await ask({ to: [9, 9, 9, 9] })).retval, "no route").toBe(notForwarded);
    t.expect(await ask({ to: [10, 1, 0, 7], length: 1501 })).toMatchObject({ retval: tooLong, mtu: 1500 });
    t.expect((await ask({ to: [10, 1, 0, 7], device: 99 })).retval).toBe(enodev);
    t.expect((await ask({ to: [10, 1, 0, 7], flags: 0x80 })).retval).toBe(einval);
    t.expect((await ask({ to: [10, 1, 0, 7], family: 99 })).retval).toBe(eafnosupport);

    await forward(t, false);
    t.expect((await ask({ to: [10, 1, 0, 7] })).retval).toBe(disabled);
    await t.expect(t.guest).toBeHealthy();
  });

  rexTest(`${type}: whether a packet fits through a device`, async (t) => {
    const { device } = await t.guest.net.addVeth("veth0", "veth1");
    const [object, context] = type === "xdp" ? ["xdp", "xdp_md"] : ["sched_cls", "__sk_buff"];
    const program = await t.load(rex[type]({ name: "fits" })`
      #[rex_map]
      static MTU: RexArrayMap<u32> = RexArrayMap::new(1, 0);

      fn fits(program: &${object}, ctx: &mut ${context}) -> Result {
        let device = u32::from(ctx.data_slice[14]);
        let mut mtu = u32::from(ctx.data_slice[15]) << 8;
        let by = i32::from(ctx.data_slice[16]) << 8;
        let result = program.bpf_check_mtu(ctx, device, &mut mtu, by, 0);
        MTU.insert(&0, &mtu)?;
        result
      }
    `);
    const mtu = program.map("MTU", { key: u32, value: u32 });
    const [fits, fragmentNeeded] = [0, 1];
    t.expect(await program.testRun({ data: frame([device.index, 5, 0]) }), "1280").toReturn(fits);
    t.expect(await mtu.get(0)).toBe(1500);
    t.expect(await program.testRun({ data: frame([device.index, 6, 0]) }), "1536").toReturn(fragmentNeeded);
    t.expect(await mtu.get(0)).toBe(1500);
    t.expect(await program.testRun({ data: frame([device.index, 0, 0]) }), "this one").toReturn(fits);
    t.expect(await program.testRun({ data: frame([device.index, 0, 8]) }), "and 2048").toReturn(
      fragmentNeeded,
    );
    t.expect(await program.testRun({ data: frame([99, 0, 0]) })).toReturn(enodev);
  });
}

rexTest("an XDP program that forwards by the answer is a router", withHostTools, async (t) => {
  const { outgoing } = await router(t);
  const program = await t.load(rex.xdp({ name: "router" })`
    fn router(program: &xdp, ctx: &mut xdp_md) -> Result {
      let ingress = ctx.ingress_ifindex();
      let ip = program.ip_header(ctx);
      let mut params = bpf_fib_lookup::ipv4(ingress, ip.saddr, ip.daddr);
      params.tot_len = u16::from_be(ip.tot_len);
      if program.bpf_fib_lookup(ctx, &mut params, 0)? != 0 {
        return Ok(XDP_DROP as i32);
      }
      let ip = program.ip_header(ctx);
      ip.ttl -= 1;
      ip.check = compute_ip_checksum(ip);
      let eth = program.eth_header(ctx);
      eth.h_dest = params.dmac;
      eth.h_source = params.smac;
      program.bpf_redirect(params.ifindex, 0)
    }
  `);
  const receiver = await t.load(rex.xdp({ name: "receiver" })`
    fn receiver(_: &xdp, _ctx: &mut xdp_md) -> Result { Ok(XDP_PASS as i32) }
  `);
  await using _link = await program.attach({ target: { kind: "xdp", device: "veth1", mode: "native" } });
  await using _peer = await receiver.attach({ target: { kind: "xdp", device: "veth3", mode: "native" } });
  const addresses = { source: [10, 0, 0, 2], destination: [192, 168, 5, 9] };
  const run = await t.guest.net.exchange({
    send: { device: "veth0", frames: [udp({ addresses })] },
    receive: [{ device: "veth3", count: 1 }],
  });
  const [routed] = (run.received[0] ?? []).map((bytes) => Buffer.from(bytes));
  t.expect([...(routed?.subarray(0, 12) ?? [])]).toEqual([...neighbour, ...macBytes(outgoing.mac)]);
  t.expect(routed?.readUInt8(22), "time to live").toBe(63);
  t.expect(internetChecksum(routed?.subarray(14, 34) ?? Buffer.of(1))).toBe(0);
  t.expect(routed?.subarray(42).toString()).toBe("hello");
  await t.expect(t.guest).toBeHealthy();
});
