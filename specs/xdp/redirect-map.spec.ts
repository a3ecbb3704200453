// SPDX-License-Identifier: MIT
// Promise: a packet that an XDP program redirects by a map of devices is sent by the device that the map has for the key, and
// without one the program's flags say what becomes of it.
import { i32, rex, rexTest, type TestContext, u32 } from "rex-test";
import { frame } from "../packets.ts";

// The first byte behind the Ethernet header is the key, the second the flags; key 0 is for this device itself.
const source = (map: string, flags = 0) => rex.xdp({ name: "by_map" })`
  #[rex_map]
  static DEVICES: ${map} = ${map}::new(8, 0);

  fn by_map(program: &xdp, ctx: &mut xdp_md) -> Result {
    match (ctx.data_slice[14], ctx.data_slice[15]) {
      (0, _) => Ok(XDP_PASS as i32),
      (key, flags) => program.bpf_redirect_map(&DEVICES, u32::from(key), u64::from(flags) | ${flags}),
    }
  }
`;

const passing = rex.xdp({ name: "passing" })`
  fn passing(_: &xdp, _ctx: &mut xdp_md) -> Result { Ok(XDP_PASS as i32) }
`;

/** Pairs of devices: what the first device of the first pair sends is judged at its other end, and every other pair can be redirected to. */
async function pairs(t: TestContext, count: number) {
  const made = [];
  const receiver = await t.load(passing);
  for (let i = 0; i < count; i++) {
    const pair = await t.guest.net.addVeth(`veth${2 * i}`, `veth${2 * i + 1}`);
    // Redirected frames are only received by a peer that polls, which one with a program does.
    if (i > 0) await receiver.attach({ target: { kind: "xdp", device: pair.peer.name, mode: "native" } });
    made.push(pair);
  }
  return made;
}

const [aborted, drop, pass, tx, redirect] = [0, 1, 2, 3, 4];

for (const [map, key] of [
  ["RexDevMap", 5],
  ["RexDevMapHash", 201],
] as const) {
  rexTest(`${map}: frames arrive where the map says`, async (t) => {
    const [, second] = await pairs(t, 2);
    const program = await t.load(source(map));
    await program.map("DEVICES", { key: u32, value: u32 }).set(key, second?.device.index ?? 0);
    await using _link = await program.attach({ target: { kind: "xdp", device: "veth1", mode: "native" } });
    const run = await t.guest.net.exchange({
      send: {
        device: "veth0",
        // By the map; no such key, and the flags drop it; no such key, and they let it pass; not redirected.
        frames: [
          frame([key, 0, 1]),
          frame([7, drop, 2]),
          frame([7, pass, 3]),
          frame([key, 0, 4]),
          frame([0, 0]),
        ],
      },
      receive: [
        { device: "veth3", count: 2 },
        { device: "veth1", count: 2 },
      ],
    });
    t.expect(run.received).toEqual([
      [frame([key, 0, 1]), frame([key, 0, 4])],
      [frame([7, pass, 3]), frame([0, 0])],
    ]);
    t.expect(run.exits).toEqual([]);
    await t.expect(t.guest).toBeHealthy();
  });

  rexTest(`${map}: the verdict is a redirection, or what the flags say`, async (t) => {
    const { device } = await t.guest.net.addVeth("veth0", "veth1");
    const program = await t.load(source(map));
    const devices = program.map("DEVICES", { key: u32, value: u32 });
    await devices.set(key, device.index);
    t.expect(await program.testRun({ data: frame([key, 0]) })).toReturn(redirect);
    for (const verdict of [aborted, drop, pass, tx]) {
      t.expect(await program.testRun({ data: frame([7, verdict]) }), "no such key").toReturn(verdict);
      t.expect(await program.testRun({ data: frame([key, verdict]) })).toReturn(redirect);
    }
    t.expect(await program.testRun({ data: frame([key, 0x40]) }), "no such flag").toReturn(aborted);
    await devices.delete(key);
    t.expect(await program.testRun({ data: frame([key, pass]) }), "removed").toReturn(pass);
  });
}

rexTest("a broadcast goes to all devices but the one it came by", async (t) => {
  const [first, second, third] = await pairs(t, 3);
  const broadcastNotBack = 8 | 16;
  const program = await t.load(source("RexDevMap", broadcastNotBack));
  const devices = program.map("DEVICES", { key: u32, value: u32 });
  for (const [key, device] of [first?.peer, second?.device, third?.device].entries())
    await devices.set(key, device?.index ?? 0);
  await using _link = await program.attach({ target: { kind: "xdp", device: "veth1", mode: "native" } });
  const run = await t.guest.net.exchange({
    send: { device: "veth0", frames: [frame([1, 0, 9]), frame([0, 0, 8])] },
    receive: [
      { device: "veth3", count: 1 },
      { device: "veth5", count: 1 },
      { device: "veth1", count: 1 },
    ],
  });
  t.expect(run.received).toEqual([[frame([1, 0, 9])], [frame([1, 0, 9])], [frame([0, 0, 8])]]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a program that has no packet redirects nothing", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "elsewhere" })`
    #[rex_map]
    static DEVICES: RexDevMap = RexDevMap::new(8, 0);
    #[rex_map]
    static RESULT: RexArrayMap<i32> = RexArrayMap::new(1, 0);

    fn elsewhere(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      RESULT.insert(&0, &DEVICES.redirect(0, 2).unwrap_or(-1))
    }
  `);
  const result = program.map("RESULT", { key: u32, value: i32 });
  await result.set(0, 99);
  await program.map("DEVICES", { key: u32, value: u32 }).set(0, 1);
  await using _link = await program.attach();
  t.expect((await t.guest.syscall("dup", 999)).exits).toEqual([]);
  t.expect(await result.get(0)).toBe(aborted);
  await t.expect(t.guest).toBeHealthy();
});
