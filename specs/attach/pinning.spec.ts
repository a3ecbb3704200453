// SPDX-License-Identifier: MIT
// Promise: what is pinned in a BPF file system stays and runs when its loader is gone, can be opened by its name, and is freed when the
// last name is gone.
import { bpfFolder, rex, rexTest, type TestContext, u32, u64 } from "rex-test";

const codecs = { key: u32, value: u64 };

const counting = rex.kprobe({ function: "__x64_sys_dup", name: "counting" })`
  #[rex_map]
  static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

  fn counting(_: &kprobe, ctx: &mut PtRegs) -> Result {
    RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1);
    Ok(0)
  }
`;

/** Objects, programs, maps and links in the kernel, as soon as they are as few. */
async function expectHeld(t: TestContext, expected: readonly number[]): Promise<void> {
  const held = async () => {
    const { rexStats, progs, maps, links } = await t.guest.inventory();
    return [rexStats?.["objects"], progs.length, maps.length, links.length];
  };
  await t.expect.poll(held, { timeout: 5_000 * t.kernel.slowness.time }).toEqual(expected);
}

rexTest("a pinned link runs on when everything else is closed, until it is unpinned", async (t) => {
  const program = await t.load(counting);
  const link = await program.attach();
  await link.pin(`${bpfFolder}/link`);
  await program.map("RUNS").pin(`${bpfFolder}/map`);
  await program.unload();
  await expectHeld(t, [1, 1, 1, 1]);

  const runs = await t.guest.pinned.map(`${bpfFolder}/map`, codecs);
  await t.guest.syscall("dup", 999, { repeat: 3 });
  t.expect(await runs.get(0)).toBe(3n);

  const again = await t.guest.pinned.link(`${bpfFolder}/link`);
  t.expect(again.id).toBe(link.id);
  await t.guest.pinned.remove(`${bpfFolder}/link`);
  await t.guest.syscall("dup", 999);
  t.expect(await runs.get(0), "it is open still").toBe(4n);
  await again.detach();
  await expectHeld(t, [0, 0, 1, 0]);
  await t.guest.syscall("dup", 999);
  t.expect(await runs.get(0)).toBe(4n);

  await t.guest.pinned.remove(`${bpfFolder}/map`);
  await t.guest.release();
  await expectHeld(t, [0, 0, 0, 0]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a pinned program keeps its object and maps, and can be attached again", async (t) => {
  const path = `${bpfFolder}/program`;
  const loaded = await t.load(counting);
  await loaded.pin(path);
  await loaded.map("RUNS").pin(`${bpfFolder}/map`);
  const { id } = loaded;
  await loaded.unload();
  await expectHeld(t, [1, 1, 1, 0]);

  const program = await t.guest.pinned.program(path);
  t.expect(program.programs).toMatchObject([{ id, name: "counting", type: "kprobe" }]);
  const link = await program.attach({ target: { kind: "kprobe", symbol: "__x64_sys_dup" } });
  await t.guest.syscall("dup", 999);
  await t.guest.pinned.remove(path);
  await t.guest.syscall("dup", 999);
  const runs = await t.guest.pinned.map(`${bpfFolder}/map`, codecs);
  t.expect(await runs.get(0)).toBe(2n);

  await link.detach();
  await program.unload();
  await expectHeld(t, [0, 0, 1, 0]);
  await t.guest.pinned.remove(`${bpfFolder}/map`);
});

rexTest("a loader process ends, and what it pinned runs on", async (t) => {
  const { object } = await t.compile(counting);
  const stdin = Buffer.concat([Buffer.from(`${JSON.stringify({ by: "pin", calls: 5 })}\n`), object]);
  const ran = await t.guest.exec(["/init", "hand-over"], { root: "guest", stdin });
  t.expect(ran, ran.stderr).toMatchObject({ status: 0 });
  const [map = "", link = ""] = JSON.parse(ran.stdout) as readonly string[];
  await expectHeld(t, [1, 1, 1, 1]);

  const runs = await t.guest.pinned.map(map, codecs);
  t.expect(await runs.get(0)).toBe(5n);
  await t.guest.syscall("dup", 999, { repeat: 100 });
  t.expect(await runs.get(0)).toBe(105n);
  await t.guest.pinned.remove(link);
  await t.guest.pinned.remove(map);
  await expectHeld(t, [0, 0, 1, 0]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a pinned program that panics is ended like any other", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "orphan" })`
    fn orphan(_: &kprobe, ctx: &mut PtRegs) -> Result { panic!("nobody holds me") }
  `);
  const link = await program.attach();
  await link.pin(`${bpfFolder}/link`);
  await program.unload();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({ reason: "panic", message: "nobody holds me", program: "orphan" });
  await t.guest.pinned.remove(`${bpfFolder}/link`);
  await expectHeld(t, [0, 0, 0, 0]);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("names that are taken, elsewhere, or of something else", async (t) => {
  const program = await t.load(counting);
  const path = `${bpfFolder}/program`;
  await program.pin(path);
  await t.expect(program.pin(path)).rejects.toMatchObject({ body: { errnoName: "EEXIST" } });
  await t.expect(program.pin("/tmp/program")).rejects.toMatchObject({ body: { errnoName: "EPERM" } });
  await t.expect(t.guest.pinned.map(path, codecs)).rejects.toThrow(/isn't a map/);
  await t.expect(t.guest.pinned.link(path)).rejects.toThrow(/isn't a link/);
  await t.expect(t.guest.pinned.program(`${bpfFolder}/none`)).rejects.toThrow(/nothing is pinned/);
  await t.guest.pinned.remove(path);
  await t.expect(t.guest.pinned.program(path)).rejects.toThrow(/nothing is pinned/);
});
