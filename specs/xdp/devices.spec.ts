// SPDX-License-Identifier: MIT
// Promise: an XDP program judges real packets, in the driver and in the network stack, in softirq context; a panic drops the packet
// and nothing else.
import { rex, rexTest, type TestContext, u32, u64 } from "rex-test";
import { frame } from "../packets.ts";

const [pass, drop, reflect] = [1, 2, 3];

const judge = rex.xdp({ name: "judge" })`
  #[rex_map]
  static SEEN: RexArrayMap<u64> = RexArrayMap::new(2, 0);

  fn judge(_: &xdp, ctx: &mut xdp_md) -> Result {
    SEEN.get_mut(&0).ok_or(0)?.fetch_add(1);
    SEEN.insert(&1, &u64::from(ctx.ingress_ifindex()))?;
    Ok(match ctx.data_slice[14] {
      1 => XDP_PASS,
      2 => XDP_DROP,
      3 => XDP_TX,
      other => panic!("what is {other}?"),
    } as i32)
  }
`;

const passing = rex.xdp({ name: "passing" })`
  fn passing(_: &xdp, _ctx: &mut xdp_md) -> Result { Ok(XDP_PASS as i32) }
`;

for (const mode of ["native", "generic"] as const) {
  rexTest(`${mode} XDP on veth passes, drops and sends back`, async (t) => {
    const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
    const program = await t.load(judge);
    // What a veth sends back in the driver is only received by a peer that polls, which one with a program does.
    const other = await t.load(passing);
    await using link = await program.attach({ target: { kind: "xdp", device: peer.name, mode } });
    await using _other = await other.attach({ target: { kind: "xdp", device: device.name, mode } });
    t.expect(link.target).toEqual({ kind: "xdp", device: "veth1", mode });

    const run = await t.guest.net.exchange({
      send: {
        device: device.name,
        frames: [frame([drop, 1]), frame([pass, 2]), frame([reflect, 3]), frame([pass, 4])],
      },
      receive: [
        { device: peer.name, count: 2 },
        { device: device.name, count: 1 },
      ],
    });
    t.expect(run.sent).toBe(4);
    t.expect(run.received).toEqual([[frame([pass, 2]), frame([pass, 4])], [frame([reflect, 3])]]);
    t.expect(run.exits).toEqual([]);
    const seen = program.map("SEEN", { key: u32, value: u64 });
    t.expect(await seen.entries()).toEqual([
      [0, 4n],
      [1, BigInt(peer.index)],
    ]);
    await t.expect(t.guest).toBeHealthy();
  });

  rexTest(`a panic in ${mode} XDP drops its packet, in softirq context`, async (t) => {
    const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
    const program = await t.load(judge);
    await using _link = await program.attach({ target: { kind: "xdp", device: peer.name, mode } });
    const run = await t.guest.net.exchange({
      send: { device: device.name, frames: [frame([66]), frame([pass])] },
      receive: [{ device: peer.name, count: 1 }],
    });
    t.expect(run).toExitGracefully({
      reason: "panic",
      level: "softirq",
      message: "what is 66?",
      program: "judge",
      frames: ["judge", "rex_dispatcher_func"],
    });
    t.expect(run.exits).toHaveLength(1);
    t.expect(run.received).toEqual([[frame([pass])]]);
    await t.expect(t.guest).toBeHealthy();
    await t.expect(t.guest).toHoldNoResources();
  });
}

rexTest("a detached program judges nothing", async (t) => {
  const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
  const send = (t: TestContext, letter: number) =>
    t.guest.net.exchange({
      send: { device: device.name, frames: [frame([letter]), frame([pass])] },
      receive: [{ device: peer.name, count: 1 }],
    });
  const program = await t.load(judge);
  const link = await program.attach({ target: { kind: "xdp", device: peer.name } });
  t.expect((await send(t, drop)).received).toEqual([[frame([pass])]]);
  await link.detach();
  t.expect((await send(t, drop)).received[0]?.[0]).toEqual(frame([drop]));
});

rexTest("generic XDP on the loopback device", async (t) => {
  const program = await t.load(judge);
  await using _link = await program.attach({ target: { kind: "xdp", device: "lo", mode: "generic" } });
  const run = await t.guest.net.exchange({
    send: { device: "lo", frames: [frame([drop]), frame([pass])] },
    receive: [{ device: "lo", count: 1 }],
  });
  t.expect(run.received).toEqual([[frame([pass])]]);
  const nowhere = program.attach({ target: { kind: "xdp", device: "eth7" } });
  await t.expect(nowhere).rejects.toThrow(/no network device eth7/);
});

rexTest("a packet redirected to another device goes out there", async (t) => {
  const first = await t.guest.net.addVeth("veth0", "veth1");
  const second = await t.guest.net.addVeth("veth2", "veth3");
  const program = await t.load(rex.xdp({ name: "forward" })`
    fn forward(program: &xdp, ctx: &mut xdp_md) -> Result {
      let to = u32::from(ctx.data_slice[14]);
      if to == 0 { Ok(XDP_PASS as i32) } else { program.bpf_redirect(to, 0) }
    }
  `);
  const other = await t.load(passing);
  await using _link = await program.attach({ target: { kind: "xdp", device: "veth1", mode: "native" } });
  await using _peer = await other.attach({ target: { kind: "xdp", device: "veth3", mode: "native" } });
  const run = await t.guest.net.exchange({
    send: { device: "veth0", frames: [frame([second.device.index, 1]), frame([0, 2])] },
    receive: [
      { device: first.peer.name, count: 1 },
      { device: second.peer.name, count: 1 },
    ],
  });
  t.expect(run.received).toEqual([[frame([0, 2])], [frame([second.device.index, 1])]]);
  await t.expect(t.guest).toBeHealthy();
});
