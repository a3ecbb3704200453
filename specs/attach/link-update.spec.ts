// SPDX-License-Identifier: MIT
// Promise: a link on a device is given another program, Rex or eBPF, while packets go through: each is judged by the one or the other,
// none by both or neither; and the program that was replaced is let go.
import { type Link, type Program, rex, rexTest, type TestContext, u32, u64 } from "rex-test";
import { experimental, frame } from "../packets.ts";
import { answerTo, returns } from "./ebpf.ts";

const [xdpDrop, xdpPass, tcOk, tcShot] = [1, 2, 0, 2];

/** Two versions of a program, which count in a map of the first, and what a program of the kind returns to let packets pass. */
const versions = {
  xdp: (version: number, pass: number) => rex.xdp({ name: `version_${version}` })`
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn version_${version}(_: &xdp, ctx: &mut xdp_md) -> Result {
      if ctx.data_slice[12..14] == [0x88, 0xb5] {
        SEEN.get_mut(&${version}).ok_or(0)?.fetch_add(1);
      }
      Ok(${pass})
    }
  `,
  tcx: (version: number, pass: number) => rex.tc({ name: `version_${version}` })`
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn version_${version}(_: &sched_cls, skb: &mut __sk_buff) -> Result {
      if skb.data_slice[12..14] == [0x88, 0xb5] {
        SEEN.get_mut(&${version}).ok_or(0)?.fetch_add(1);
      }
      Ok(${pass})
    }
  `,
} as const;

const places = [
  {
    place: "native XDP",
    kind: "xdp",
    pass: xdpPass,
    drop: xdpDrop,
    target: { kind: "xdp", device: "veth1", mode: "native" },
  },
  {
    place: "generic XDP",
    kind: "xdp",
    pass: xdpPass,
    drop: xdpDrop,
    target: { kind: "xdp", device: "veth1", mode: "generic" },
  },
  {
    place: "tcx ingress",
    kind: "tcx",
    pass: tcOk,
    drop: tcShot,
    target: { kind: "tcx", device: "veth1", direction: "ingress" },
  },
  {
    place: "tcx egress",
    kind: "tcx",
    pass: tcOk,
    drop: tcShot,
    target: { kind: "tcx", device: "veth0", direction: "egress" },
  },
] as const;

async function passes(t: TestContext): Promise<boolean> {
  const run = await t.guest.net.exchange({
    send: { device: "veth0", frames: [frame([1])] },
    receive: [{ device: "veth1", ethertype: experimental, count: 1 }],
    timeoutMs: 300,
  });
  return run.received[0]?.length === 1;
}

async function programOf(t: TestContext, link: Link): Promise<number | undefined> {
  return (await t.guest.inventory()).links.find(({ id }) => id === link.id)?.progId;
}

for (const { place, kind, pass, drop, target } of places) {
  rexTest(`${place}: Rex, other Rex, eBPF, and back`, async (t) => {
    await t.guest.net.addVeth("veth0", "veth1");
    const passing = await t.load(versions[kind](0, pass));
    const dropping = await t.load(versions[kind](1, drop), { maps: { SEEN: passing.map("SEEN") } });
    const [dropType, passType] =
      kind === "xdp" ? (["xdp", "xdp"] as const) : (["sched_cls", "sched_cls"] as const);
    const stockDrop = await t.guest.loadEbpf(dropType, returns(drop), "stock_drop");
    const stockPass = await t.guest.loadEbpf(passType, returns(pass), "stock_pass");
    await using link = await passing.attach({ target });

    const steps: readonly (readonly [Program, boolean])[] = [
      [passing, true],
      [dropping, false],
      [stockPass, true],
      [dropping, false],
      [passing, true],
      [stockDrop, false],
      [passing, true],
    ];
    for (const [program, passed] of steps) {
      await link.update(program);
      t.expect(await programOf(t, link), program.name).toBe(program.id);
      t.expect(await passes(t), program.name).toBe(passed);
    }
    const seen = await passing.map("SEEN", { key: u32, value: u64 }).entries();
    t.expect(seen.map(([, count]) => count)).toEqual([3n, 2n]);
    await t.expect(t.guest).toBeHealthy();
  });

  rexTest(`${place}: only in the place of the program that is expected`, async (t) => {
    await t.guest.net.addVeth("veth0", "veth1");
    const passing = await t.load(versions[kind](0, pass));
    const dropping = await t.load(versions[kind](1, drop));
    await using link = await passing.attach({ target });
    t.expect(await answerTo(link.update(dropping, { expected: dropping }))).toBe("EPERM");
    t.expect(await programOf(t, link)).toBe(passing.id);
    t.expect(await passes(t)).toBe(true);
    await link.update(dropping, { expected: passing });
    t.expect(await programOf(t, link)).toBe(dropping.id);
    t.expect(await passes(t)).toBe(false);
  });

  // XDP's dispatcher is code that each update patches: nothing for emulated CPUs in parallel.
  const storming = { cpus: 2, cpusTakeTurns: kind === "xdp", timeoutMs: 60_000 };
  rexTest(`${place}: under traffic each packet has one judge`, storming, async (t) => {
    await t.guest.net.addVeth("veth0", "veth1");
    const first = await t.load(versions[kind](0, pass));
    const second = await t.load(versions[kind](1, pass), { maps: { SEEN: first.map("SEEN") } });
    await using link = await first.attach({ target });
    const frames = 20_000;
    let over = false;
    const traffic = t.guest.net
      .exchange({ send: { device: "veth0", frames: [frame([1])], repeat: frames }, cpu: 1 })
      .finally(() => {
        over = true;
      });
    let updates = 0;
    while (!over) {
      await link.update(updates % 2 === 0 ? second : first, { expected: updates % 2 === 0 ? first : second });
      updates++;
    }
    t.expect((await traffic).sent).toBe(frames);
    const seen = (await first.map("SEEN", { key: u32, value: u64 }).entries()).map(([, count]) => count);
    t.expect((seen[0] ?? 0n) + (seen[1] ?? 0n), `${updates} updates, ${seen.join(" + ")}`).toBe(
      BigInt(frames),
    );
    t.expect(updates).toBeGreaterThan(2);
    await t.expect(t.guest).toBeHealthy();
  });

  rexTest(`${place}: a program that was replaced is let go`, async (t) => {
    await t.guest.net.addVeth("veth0", "veth1");
    const objects = async () => (await t.guest.inventory()).rexStats?.["objects"];
    let loaded = await t.load(versions[kind](0, pass));
    const link = await loaded.attach({ target });
    for (let version = 0; version < 5; version++) {
      const next = await t.load(versions[kind](version % 2, version % 2 === 0 ? drop : pass));
      await link.update(next);
      await loaded.unload();
      await t.expect.poll(objects, { timeout: 5_000 * t.kernel.slowness.time }).toBe(1);
      t.expect(await passes(t)).toBe(version % 2 !== 0);
      loaded = next;
    }
    await loaded.unload();
    await t.expect.poll(objects, { timeout: 5_000 * t.kernel.slowness.time }).toBe(0);
    t.expect((await t.guest.inventory()).links).toEqual([]);
    await t.expect(t.guest).toBeHealthy();
  });
}

rexTest("a program of another type, and a link that keeps its program", async (t) => {
  await t.guest.net.addVeth("veth0", "veth1");
  const xdp = await t.load(versions.xdp(0, xdpPass));
  const tc = await t.load(versions.tcx(0, tcOk));
  const stockXdp = await t.guest.loadEbpf("xdp", returns(xdpPass));
  const stockTc = await t.guest.loadEbpf("sched_cls", returns(tcOk));
  const xdpLink = await xdp.attach({ target: { kind: "xdp", device: "veth1", mode: "native" } });
  const tcLink = await tc.attach({ target: { kind: "tcx", device: "veth1", direction: "ingress" } });
  const refused = await answerTo(xdpLink.update(stockTc));
  t.expect(refused).toBe("EINVAL");
  t.expect(await answerTo(xdpLink.update(tc))).toBe(refused);
  t.expect(await answerTo(tcLink.update(xdp))).toBe(await answerTo(tcLink.update(stockXdp)));
  t.expect(await passes(t)).toBe(true);

  const probe = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "probe" })`
    fn probe(_: &kprobe, ctx: &mut PtRegs) -> Result { Ok(0) }
  `);
  const stockProbe = await t.guest.loadEbpf("kprobe", returns(0));
  const probeLink = await probe.attach();
  t.expect(await answerTo(probeLink.update(stockProbe))).toBe("EINVAL");
  t.expect(await answerTo(probeLink.update(probe))).toBe("EINVAL");
  await t.expect(t.guest).toBeHealthy();
});
