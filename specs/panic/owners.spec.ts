// SPDX-License-Identifier: MIT
// Promise: the end of a program is nobody else's: not of the process that loaded it, in the middle of whose system calls it may come,
// not of others that own programs, not of those that happen to call what it is attached to.
import { rex, rexTest, u32, u64 } from "rex-test";
import { setLimits } from "../termination/limits.ts";

/** Panics for whoever calls, and counts. */
const failing = (symbol: string) => rex.kprobe({ function: symbol, name: "failing" })`
  #[rex_map]
  static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

  fn failing(program: &kprobe, _ctx: &mut PtRegs) -> Result {
    let task = program.bpf_get_current_task().ok_or(-1)?;
    RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1);
    panic!("in process {}", task.get_tgid())
  }
`;

rexTest("its loader goes on, whose own calls it panics in", async (t) => {
  const other = await t.load("hello");
  for (const symbol of ["__x64_sys_bpf", "__x64_sys_read", "__x64_sys_write", "__x64_sys_close"]) {
    await t.step(symbol, async () => {
      const program = await t.load(failing(symbol));
      const link = await program.attach();
      // The agent, process 1, is the loader: it loads, attaches, reads maps and answers all the while.
      const another = await t.load("hello");
      const attached = await another.attach();
      t.expect(attached.id).toBeGreaterThan(0);
      t.expect(await program.map("RUNS", { key: u32, value: u64 }).get(0)).toBeGreaterThan(0n);
      await attached.detach();
      await link.detach();
      const exits = await t.guest.exits();
      t.expect(exits.at(-1)).toMatchObject({ prog: "failing", reason: "panic", message: "in process 1" });
      await another.unload();
      await program.unload();
    });
  }
  await using _link = await other.attach();
  t.expect((await t.guest.inventory()).progs.map(({ name }) => name)).toContain(other.programs[0]?.name);
  await t.expect(t.guest).toBeHealthy();
});

rexTest(
  "another process that owns programs goes on, panics and endless loops in its calls notwithstanding",
  { cpus: 2, permissions: { hostTools: true }, timeoutMs: 60_000 },
  async (t) => {
    await setLimits(t, { timeoutMs: 100, tickMs: 10 });
    const owned = await t.load("hello");
    const endless = await t.load(rex.kprobe({ function: "__x64_sys_bpf", name: "endless" })`
      fn endless(program: &kprobe, _ctx: &mut PtRegs) -> Result {
        let task = program.bpf_get_current_task().ok_or(-1)?;
        if task.get_tgid() == 1 { return Ok(0); }
        loop {}
      }
    `);
    const panicking = await t.load(failing("__x64_sys_openat"));
    const links = [await endless.attach(), await panicking.attach()];
    // bpftool opens each program, so it owns them while it asks about them.
    const listed = await t.guest.exec(["bpftool", "prog", "show", "id", String(owned.id)]);
    t.expect(listed).toMatchObject({ status: 0, signal: undefined, timedOut: false });
    t.expect(listed.stdout).toMatch(new RegExp(`^${owned.id}: kprobe  name hello`));
    for (const link of links) await link.detach();
    const reasons = new Set((await t.guest.exits()).map(({ prog, reason }) => `${prog} ${reason}`));
    t.expect([...reasons].sort()).toEqual(["endless timeout", "failing panic"]);
    await t.expect(t.guest).toBeHealthy();
  },
);
