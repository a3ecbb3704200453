// SPDX-License-Identifier: MIT
// Promise: an XDP program's redirects take packets to other devices wherever it runs: in the driver, in the stack, and in a test run with
// live frames. A test run without them only judges, and hands the context in and out.
import { bytes, rex, rexTest, u32, u64 } from "rex-test";
import { answerTo, returns } from "../attach/ebpf.ts";
import { frame } from "../packets.ts";

const forward = rex.xdp({ name: "forward" })`
  #[rex_map]
  static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

  fn forward(program: &xdp, ctx: &mut xdp_md) -> Result {
    RUNS.get_mut(&0).ok_or(0)?.fetch_add(1);
    match ctx.data_slice[14] {
      0 => Ok(XDP_PASS as i32),
      255 => Ok(XDP_DROP as i32),
      to => {
        ctx.data_slice[15] += 1;
        program.bpf_redirect(u32::from(to), 0)
      }
    }
  }
`;

const passing = rex.xdp({ name: "passing" })`
  fn passing(_: &xdp, _ctx: &mut xdp_md) -> Result { Ok(XDP_PASS as i32) }
`;

rexTest("generic XDP redirects to another device", async (t) => {
  const first = await t.guest.net.addVeth("veth0", "veth1");
  const second = await t.guest.net.addVeth("veth2", "veth3");
  const program = await t.load(forward);
  await using _link = await program.attach({ target: { kind: "xdp", device: "veth1", mode: "generic" } });
  const to = second.device.index;
  const run = await t.guest.net.exchange({
    send: { device: "veth0", frames: [frame([to, 1]), frame([255, 2]), frame([0, 3])] },
    receive: [
      { device: first.peer.name, count: 1 },
      { device: second.peer.name, count: 1 },
    ],
  });
  t.expect(run.received).toEqual([[frame([0, 3])], [frame([to, 2])]]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("redirects to a device that is not there, and to one that is gone, drop", async (t) => {
  const second = await t.guest.net.addVeth("veth2", "veth3");
  const gone = second.device.index;
  await t.guest.net.remove("veth2");
  await t.guest.net.addVeth("veth0", "veth1");
  const program = await t.load(forward);
  for (const mode of ["native", "generic"] as const) {
    await using _link = await program.attach({ target: { kind: "xdp", device: "veth1", mode } });
    const run = await t.guest.net.exchange({
      send: { device: "veth0", frames: [frame([200, 1]), frame([gone, 2]), frame([0, 3])] },
      receive: [{ device: "veth1", count: 1 }],
    });
    t.expect(run.received, mode).toEqual([[frame([0, 3])]]);
  }
  await t.expect(t.guest).toBeHealthy();
});

rexTest("live frames go where the program sends them", async (t) => {
  const { device, peer } = await t.guest.net.addVeth("veth0", "veth1");
  const program = await t.load(forward);
  // Counts what arrives: it is there before the first frame is, as a socket that is opened meanwhile need not be.
  const receiver = await t.load(rex.xdp({ name: "receiver" })`
    #[rex_map]
    static ARRIVED: RexHashMap<[u8; 17], u64> = RexHashMap::new(8, 0);

    fn receiver(_: &xdp, ctx: &mut xdp_md) -> Result {
      let mut bytes = [0; 17];
      bytes[..16].copy_from_slice(&ctx.data_slice[..16]);
      bytes[16] = ctx.data_length() as u8;
      let before = ARRIVED.get(&bytes).unwrap_or(0);
      ARRIVED.insert(&bytes, &(before + 1))?;
      Ok(XDP_DROP as i32)
    }
  `);
  await using _peer = await receiver.attach({ target: { kind: "xdp", device: peer.name, mode: "native" } });
  const repeat = 20;
  const run = await program.testRun({ data: frame([device.index, 4]), repeat, liveFrames: 8 });
  t.expect(run.exits).toEqual([]);
  const arrived = receiver.map("ARRIVED", { key: bytes, value: u64 });
  const all = async () =>
    (await arrived.entries()).map(([key, count]) => [Buffer.from(key).toString("hex"), count]);
  const changed = frame([device.index, 5]);
  const key = Buffer.concat([changed, Buffer.from([changed.length])]).toString("hex");
  await t.expect.poll(all, { timeout: 5_000 * t.kernel.slowness.time }).toEqual([[key, BigInt(repeat)]]);
  t.expect(await program.map("RUNS", { key: u32, value: u64 }).get(0)).toBe(BigInt(repeat));
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a panic with live frames drops its frame and no other", async (t) => {
  const program = await t.load(rex.xdp({ name: "some" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn some(_: &xdp, _ctx: &mut xdp_md) -> Result {
      let run = RUNS.get_mut(&0).ok_or(0)?.fetch_add(1);
      assert!(run % 10 != 3, "run {run}");
      Ok(XDP_DROP as i32)
    }
  `);
  const run = await program.testRun({ data: frame([1]), repeat: 40, liveFrames: 16 });
  t.expect(run.exits.map(({ message }) => message)).toEqual(["run 3", "run 13", "run 23", "run 33"]);
  t.expect(run).toExitGracefully({ program: "some" });
  t.expect(await program.map("RUNS", { key: u32, value: u64 }).get(0)).toBe(40n);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("the kernel refuses of a Rex program's test run what it refuses of an eBPF program's", async (t) => {
  const pass = 2;
  const stock = await t.guest.loadEbpf("xdp", returns(pass));
  const program = await t.load(passing);
  const context = (data: number, end: number) => {
    const md = Buffer.alloc(24);
    md.writeUInt32LE(data, 0);
    md.writeUInt32LE(end, 4);
    return md;
  };
  const data = frame([1, 2, 3, 4, 5, 6, 7, 8]);
  for (const options of [
    { data, liveFrames: 257, repeat: 1 },
    { data: Buffer.alloc(4096), liveFrames: 8 },
    { data: Buffer.alloc(13) },
    { data, context: context(8, 4) },
    { data, context: context(0, data.length + 1) },
    { data, context: context(5, data.length) },
  ]) {
    const expected = await answerTo(stock.testRun(options));
    t.expect(expected).not.toBe("done");
    t.expect(await answerTo(program.testRun(options))).toBe(expected);
  }
});

rexTest("the context of a test run: metadata in front of the packet", async (t) => {
  const program = await t.load(rex.xdp({ name: "meta" })`
    fn meta(_: &xdp, ctx: &mut xdp_md) -> Result {
      Ok((ctx.data_length() * 1000 + ctx.ingress_ifindex() as usize * 100 + ctx.rx_queue_index() as usize) as i32)
    }
  `);
  const data = frame([1, 2, 3, 4, 5, 6, 7, 8]);
  const metadata = 8;
  const context = Buffer.alloc(24);
  context.writeUInt32LE(metadata, 0); // data
  context.writeUInt32LE(metadata + data.length, 4); // data_end
  context.writeUInt32LE(1, 12); // ingress_ifindex: the loopback device
  const run = await program.testRun({ data: Buffer.concat([Buffer.alloc(metadata, 9), data]), context });
  t.expect(run).toReturn(data.length * 1000 + 100);
  t.expect(Buffer.from(run.context)).toEqual(context);
  t.expect(Buffer.from(run.data)).toEqual(Buffer.concat([Buffer.alloc(metadata, 9), data]));
});
