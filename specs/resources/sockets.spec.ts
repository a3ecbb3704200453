// SPDX-License-Identifier: MIT
// Promise: a socket that a packet program has looked up is given back when its guard goes out of scope, and by the runtime when the
// program ends before. Only connections are counted (RCU keeps listeners and UDP sockets), and one that is not given back is in the
// kernel's books for ever.
import { rex, rexTest, type TestContext, u32 } from "rex-test";
import {
  addNamespace,
  namespaceBehind,
  openSockets,
  ports,
  socketsInUse,
  withHostTools,
} from "../network.ts";
import { frame, tcpSyn } from "../packets.ts";
import { settled } from "./slabs.ts";

const here = { source: [127, 0, 0, 1], destination: [127, 0, 0, 1] };
/** A segment from the client to the server. */
const segment = tcpSyn(ports.client, ports.listener, here);

// The first byte says which lookup, and the ports and addresses are those of a TCP segment.
const body = `
    use rex::sock::*;

    #[rex_map]
    static SEEN: RexArrayMap<u32> = RexArrayMap::new(8, 0);

    fn find(program: &$object, ctx: &mut $context) -> Result {
      let how = ctx.data_slice[0];
      let (saddr, daddr) = (program.ip_header(ctx).saddr, program.ip_header(ctx).daddr);
      let (sport, dport) = (program.tcp_header(ctx).source, program.tcp_header(ctx).dest);
      let tuple = SockTuple4 { saddr, daddr, sport, dport };
      let sock = match how {
        b'u' => program.bpf_sk_lookup_udp(ctx, &tuple, BPF_F_CURRENT_NETNS, 0),
        b'c' => program.bpf_skc_lookup_tcp(ctx, &tuple, BPF_F_CURRENT_NETNS, 0),
        _ => program.bpf_sk_lookup_tcp(ctx, &tuple, BPF_F_CURRENT_NETNS, 0),
      };
      let Some(sock) = sock else { return Ok(1) };
      let seen = [
        sock.state(), sock.family(), sock.r#type(), sock.protocol(),
        sock.src_ip4(), sock.dst_ip4(), sock.src_port(), u32::from(u16::from_be(sock.dst_port() as u16)),
      ];
      for (index, value) in (0..).zip(seen) {
        SEEN.insert(&index, &value)?;
      }
      if how == b'p' {
        panic!("holding a socket in state {}", sock.state());
      }
      program.bpf_sk_release(sock);
      Ok(2)
    }
`;

function finder(type: "xdp" | "tc") {
  const [object, context] = type === "xdp" ? ["xdp", "xdp_md"] : ["sched_cls", "__sk_buff"];
  const source = body.replace("$object", object).replace("$context", context);
  return rex[type]({ name: "find" })`${source}`;
}

/** The segment with a letter for the program in front. */
function ask(letter: string, data = segment): Buffer {
  const copy = Buffer.from(data);
  copy.write(letter, 0, "latin1");
  return copy;
}

const localhost = Buffer.from([127, 0, 0, 1]).readUInt32LE(0);
const [established, listen, closed, timeWait] = [1, 10, 7, 6];
const [missing, found] = [1, 2];

/** Ends the connection, both ends of which are then gone from the books, in a while. */
async function expectFreed(t: TestContext, before: number): Promise<void> {
  const used = await settled(
    () => socketsInUse(t),
    (count) => count <= before - 2,
  );
  t.expect(used, "sockets").toBe(before - 2);
}

for (const type of ["xdp", "tc"] as const) {
  rexTest(
    `${type}: a packet's connection, listener and UDP socket are found, and are what they are`,
    withHostTools,
    async (t) => {
      const program = await t.load(finder(type));
      const seen = program.map("SEEN", { key: u32, value: u32 });
      const fields = async () => (await seen.entries()).map(([, value]) => value);
      const sockets = await openSockets(t);

      t.expect(await program.testRun({ data: ask("t") })).toReturn(found);
      t.expect(await fields()).toEqual([established, 2, 1, 6, localhost, localhost, 4000, 4001]);

      t.expect(await program.testRun({ data: ask("t", tcpSyn(4009, 4000, here)) })).toReturn(found);
      t.expect(await fields()).toEqual([listen, 2, 1, 6, localhost, 0, 4000, 0]);

      t.expect(await program.testRun({ data: ask("u", tcpSyn(4009, 4002, here)) })).toReturn(found);
      t.expect(await fields()).toEqual([closed, 2, 2, 17, localhost, 0, 4002, 0]);

      t.expect(await program.testRun({ data: ask("u") }), "no UDP socket there").toReturn(missing);
      t.expect(await program.testRun({ data: ask("t", tcpSyn(1, 2, here)) })).toReturn(missing);

      // The client closes first: its end is a short entry then, which only one of the lookups gives.
      const before = await socketsInUse(t);
      await sockets.disconnect();
      await expectFreed(t, before);
      const toClient = tcpSyn(ports.listener, ports.client, here);
      t.expect(await program.testRun({ data: ask("t", toClient) })).toReturn(missing);
      t.expect(await program.testRun({ data: ask("c", toClient) })).toReturn(found);
      t.expect(await fields()).toEqual([timeWait, 2, 0, 0, localhost, localhost, 4001, 4000]);
      await t.expect(t.guest).toBeHealthy();
      await t.expect(t.guest).toHoldNoResources();
    },
  );

  rexTest(`${type}: a socket is given back when its guard goes out of scope`, withHostTools, async (t) => {
    const program = await t.load(finder(type));
    const sockets = await openSockets(t);
    const before = await socketsInUse(t);
    t.expect(await program.testRun({ data: ask("t"), repeat: 100 })).toReturn(found);
    t.expect(await program.testRun({ data: ask("c") })).toReturn(found);
    await sockets.disconnect();
    await expectFreed(t, before);
  });

  rexTest(`${type}: a socket held by a program that panics is released`, withHostTools, async (t) => {
    const program = await t.load(finder(type));
    const sockets = await openSockets(t);
    const before = await socketsInUse(t);
    for (let round = 0; round < 5; round++) {
      const run = await program.testRun({ data: ask("p") });
      t.expect(run).toExitGracefully({ reason: "panic", message: "holding a socket in state 1" });
      t.expect(run.exits[0]?.released).toEqual(["sock"]);
    }
    await sockets.disconnect();
    await expectFreed(t, before);
    await t.expect(t.guest).toBeHealthy();
    await t.expect(t.guest).toHoldNoResources();
  });
}

rexTest("sockets of another network namespace are found by its number", withHostTools, async (t) => {
  const program = await t.load(rex.xdp({ name: "there" })`
    use rex::sock::*;

    fn there(program: &xdp, ctx: &mut xdp_md) -> Result {
      let (saddr, daddr) = (program.ip_header(ctx).saddr, program.ip_header(ctx).daddr);
      let (sport, dport) = (program.tcp_header(ctx).source, program.tcp_header(ctx).dest);
      let tuple = SockTuple4 { saddr, daddr, sport, dport };
      let netns = i32::from(ctx.data_slice[0]);
      let here = program.bpf_sk_lookup_tcp(ctx, &tuple, BPF_F_CURRENT_NETNS, 0).is_some();
      let there = program.bpf_sk_lookup_tcp(ctx, &tuple, netns, 0).is_some();
      Ok(2 * i32::from(there) + i32::from(here))
    }
  `);
  const other = await addNamespace(t);
  await t.guest.net.addVeth("veth0", "veth1");
  await other.take("veth1");
  const number = await namespaceBehind(t, "veth0");
  await openSockets(t, other);
  const asked = (netns: number) => {
    const data = Buffer.from(segment);
    data.writeUInt8(netns, 0);
    return data;
  };
  t.expect(await program.testRun({ data: asked(number) }), "only there").toReturn(2);
  t.expect(await program.testRun({ data: asked(number + 1) }), "no such namespace").toReturn(0);
  await openSockets(t);
  t.expect(await program.testRun({ data: asked(number + 1) }), "here too").toReturn(1);
  await t.expect(t.guest).toBeHealthy();
});

rexTest(
  "more sockets than can be on record end the program, and all are released",
  withHostTools,
  async (t) => {
    const program = await t.load(rex.xdp({ name: "greedy" })`
    use rex::sock::*;

    fn greedy(program: &xdp, ctx: &mut xdp_md) -> Result {
      let (saddr, daddr) = (program.ip_header(ctx).saddr, program.ip_header(ctx).daddr);
      let (sport, dport) = (program.tcp_header(ctx).source, program.tcp_header(ctx).dest);
      let tuple = SockTuple4 { saddr, daddr, sport, dport };
      let socks = [(); 33].map(|()| program.bpf_sk_lookup_tcp(ctx, &tuple, BPF_F_CURRENT_NETNS, 0));
      Ok(socks.iter().filter(|sock| sock.is_some()).count() as i32)
    }
  `);
    const sockets = await openSockets(t);
    const before = await socketsInUse(t);
    const run = await program.testRun({ data: segment });
    t.expect(run).toExitGracefully({ reason: "resources", message: "more than 32 resources held at once" });
    t.expect(run.exits[0]?.released).toEqual(new Array(32).fill("sock"));
    await sockets.disconnect();
    await expectFreed(t, before);
  },
);

rexTest("a lookup that finds nothing takes no place on the record", withHostTools, async (t) => {
  const program = await t.load(rex.tc({ name: "nowhere" })`
    use rex::sock::*;

    fn nowhere(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      let tuple = SockTuple4 {
        saddr: 0x0100007f, daddr: 0x0100007f, sport: 4001u16.to_be(), dport: 4000u16.to_be(),
      };
      let mut missing = 0;
      for _ in 0..50 {
        let lookups = [
          program.bpf_sk_lookup_tcp(skb, &SockTuple4::default(), BPF_F_CURRENT_NETNS, 0),
          program.bpf_sk_lookup_udp(skb, &SockTuple6::default(), BPF_F_CURRENT_NETNS, 0),
          // No namespace has this id, and there are no flags.
          program.bpf_sk_lookup_tcp(skb, &tuple, 12345, 0),
          program.bpf_sk_lookup_tcp(skb, &tuple, BPF_F_CURRENT_NETNS, 1),
        ];
        missing += lookups.iter().filter(|sock| sock.is_none()).count();
      }
      Ok((missing == 200 && program.bpf_sk_lookup_tcp(skb, &tuple, BPF_F_CURRENT_NETNS, 0).is_some()) as i32)
    }
  `);
  await openSockets(t);
  t.expect(await program.testRun({ data: frame([1]) })).toReturn(1);
  await t.expect(t.guest).toHoldNoResources();
});
