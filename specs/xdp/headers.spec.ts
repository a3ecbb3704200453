// SPDX-License-Identifier: MIT
// Promise: the headers of a packet are typed views into it, wherever they lie, and never reach beyond its end.
import { rex, rexTest, u32, u64 } from "rex-test";
import { frame, internetChecksum, ipv4, tcpSyn, udp } from "../packets.ts";

const reader = rex.xdp({ name: "reader" })`
  #[rex_map]
  static SEEN: RexArrayMap<u64> = RexArrayMap::new(16, 0);

  fn reader(program: &xdp, ctx: &mut xdp_md) -> Result {
    let eth = program.eth_header(ctx);
    SEEN.insert(&0, &u64::from(u16::from_be(eth.h_proto)))?;
    SEEN.insert(&1, &u64::from(eth.h_source[5]))?;
    let ip = program.ip_header(ctx);
    SEEN.insert(&2, &u64::from(ip.version()))?;
    SEEN.insert(&3, &u64::from(ip.ihl()))?;
    SEEN.insert(&4, &u64::from(u32::from_be(*ip.saddr())))?;
    SEEN.insert(&5, &u64::from(u32::from_be(ip.daddr)))?;
    SEEN.insert(&6, &u64::from(u16::from_be(ip.tot_len)))?;
    match u32::from(ip.protocol) {
      IPPROTO_UDP => {
        let udp = program.udp_header(ctx);
        SEEN.insert(&7, &u64::from(u16::from_be(udp.source)))?;
        SEEN.insert(&8, &u64::from(u16::from_be(udp.dest)))?;
        SEEN.insert(&9, &u64::from(u16::from_be(udp.len)))?;
      }
      IPPROTO_TCP => {
        let tcp = program.tcp_header(ctx);
        SEEN.insert(&7, &u64::from(u16::from_be(tcp.source)))?;
        SEEN.insert(&8, &u64::from(u16::from_be(tcp.dest)))?;
        SEEN.insert(&10, &u64::from(tcp.syn() * 10 + tcp.ack()))?;
        SEEN.insert(&11, &u64::from(tcp.doff()))?;
        SEEN.insert(&12, &u64::from(u32::from_be(tcp.seq)))?;
      }
      _ => return Ok(XDP_DROP as i32),
    }
    Ok(XDP_PASS as i32)
  }
`;

rexTest("headers of UDP and TCP packets", async (t) => {
  const program = await t.load(reader);
  const seen = async () => Object.fromEntries(await program.map("SEEN", { key: u32, value: u64 }).entries());
  const common = { 0: 0x0800n, 1: 2n, 2: 4n, 4: 0x0a000002n, 5: 0x0a000001n };

  await t.step("UDP", async (t) => {
    const run = await program.testRun({
      data: udp({ sourcePort: 4660, destinationPort: 53, payload: "abc" }),
    });
    t.expect(run).toReturn(2);
    t.expect(await seen()).toMatchObject({ ...common, 3: 5n, 6: 31n, 7: 4660n, 8: 53n, 9: 11n });
  });
  await t.step("UDP behind options of the IP header", async (t) => {
    const options = [7, 7, 4, 0, 0, 0, 0, 0];
    t.expect(await program.testRun({ data: udp({ sourcePort: 11, destinationPort: 22, options }) })).toReturn(
      2,
    );
    t.expect(await seen()).toMatchObject({ ...common, 3: 7n, 7: 11n, 8: 22n, 9: 13n });
  });
  await t.step("TCP", async (t) => {
    t.expect(await program.testRun({ data: tcpSyn(40_000, 443) })).toReturn(2);
    t.expect(await seen()).toMatchObject({
      ...common,
      3: 5n,
      7: 40_000n,
      8: 443n,
      10: 10n,
      11: 5n,
      12: 0x01020304n,
    });
  });
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a packet shorter than a header is refused, not read beyond its end", async (t) => {
  const program = await t.load(reader);
  const whole = udp({ payload: "" });
  for (const [bytes, end] of [
    [20, 34],
    [33, 34],
    [41, 42],
  ] as const) {
    const run = await program.testRun({ data: whole.subarray(0, bytes) });
    t.expect(run, `${bytes} bytes`).toExitGracefully({
      reason: "panic",
      // Where the program asked for the header.
      at: /src\/main\.rs:\d+:/,
      message: `range end index ${end} out of range for slice of length ${bytes}`,
    });
    t.expect(run).toReturn(0);
  }
  t.expect(await program.testRun({ data: whole })).toReturn(2);
});

rexTest("a header is written to in the packet itself", async (t) => {
  const program = await t.load(rex.xdp({ name: "hop" })`
    fn hop(program: &xdp, ctx: &mut xdp_md) -> Result {
      let ip = program.ip_header(ctx);
      ip.ttl -= 1;
      *ip.daddr() = u32::from_be_bytes([192, 168, 0, 9]).to_be();
      ip.check = compute_ip_checksum(ip);
      let udp = program.udp_header(ctx);
      udp.dest = 4242u16.to_be();
      Ok(XDP_TX as i32)
    }
  `);
  const run = await program.testRun({ data: udp({ timeToLive: 10 }) });
  t.expect(run).toReturn(3);
  const data = Buffer.from(run.data);
  t.expect(data.readUInt8(22), "time to live").toBe(9);
  t.expect([...data.subarray(30, 34)], "receiver").toEqual([192, 168, 0, 9]);
  t.expect(data.readUInt16BE(36), "port").toBe(4242);
  t.expect(internetChecksum(data.subarray(14, 34)), "checksum over the header").toBe(0);
  t.expect(data.subarray(42).toString(), "payload").toBe("hello");
});

rexTest("an IP header whose length makes no sense leads nowhere else", async (t) => {
  const program = await t.load(reader);
  // A length of 0 words, then of 15 in a packet of fewer.
  const zero = frame([0x40, ...new Array(8).fill(0), 17, ...new Array(18).fill(0)], ipv4);
  t.expect(await program.testRun({ data: zero })).toReturn(2);
  const long = Buffer.from(zero);
  long.writeUInt8(0x4f, 14);
  t.expect(await program.testRun({ data: long })).toExitGracefully({
    message: /range start index 74 out of range/,
  });
});
