// SPDX-License-Identifier: MIT
// Promise: an exit record is complete: which program, why, where and when, for how long it ran, how much stack it had in use, how
// often this program has ended abnormally so far. The last 64 are kept.
import { rex, rexTest } from "rex-test";
import { setLimits } from "../termination/limits.ts";

const kept = 64;

const program = rex.kprobe({ function: "__x64_sys_dup", name: "failing" })`
  fn failing(program: &kprobe, ctx: &mut PtRegs) -> Result {
    let ms = ctx.syscall_regs()?.args()[0];
    let page = core::hint::black_box([ms as u8; 1000]);
    let begin = program.bpf_ktime_get_ns();
    while program.bpf_ktime_get_ns() - begin < ms * 1_000_000 {}
    panic!("after {} ms", page[999])
  }
`;

rexTest("an exit record says all there is to say", { cpus: 2 }, async (t) => {
  await setLimits(t, { timeoutMs: 5_000, tickMs: 50 });
  const failing = await t.load(program);
  await using _link = await failing.attach();
  const uptimeNs = async () => Number((await t.guest.readFile("/proc/uptime")).split(" ")[0]) * 1e9;
  const begin = await uptimeNs();
  const run = await t.guest.syscall("dup", 40, { cpu: 1 });
  const end = await uptimeNs();
  t.expect(run).toExitGracefully({ message: "after 40 ms", at: /^src\/main\.rs:7:/, frames: ["failing"] });
  const [exit] = run.exits;
  t.expect(exit).toMatchObject({
    seq: 1,
    progId: failing.id,
    prog: "failing",
    object: failing.name,
    reason: "panic",
    cpu: 1,
    level: "task",
    count: 1,
    retval: "0",
    released: [],
  });
  t.expect(exit?.comm).toMatch(/^trigger/);
  t.expect(exit?.pid).toBeGreaterThan(1);
  t.expect(exit?.durationNs).toBeGreaterThanOrEqual(40e6);
  t.expect(exit?.durationNs).toBeLessThan(4_000e6);
  t.expect(exit?.atNs).toBeGreaterThan(begin);
  // The clock of /proc/uptime shows hundredths of a second.
  t.expect(exit?.atNs).toBeLessThan(end + 20e6);
  t.expect(exit?.stackUsed).toBeGreaterThan(1000);
  t.expect(exit?.stackUsed).toBeLessThan(32 * 1024);
});

rexTest("the count is the program's own, and the last 64 records are kept", async (t) => {
  const [one, other] = [await t.load(program), await t.load(program)];
  for (const [which, times] of [
    [one, 3],
    [other, 2],
    [one, kept],
  ] as const) {
    const link = await which.attach();
    (await t.guest.syscall("dup", 0, { repeat: times })).accountForExits();
    await link.detach();
  }
  const total = 3 + 2 + kept;
  const records = await t.guest.exits();
  t.expect(records.map((exit) => exit.seq)).toEqual(
    Array.from({ length: kept }, (_, i) => total - kept + i + 1),
  );
  // Of the first five, none is left; the count goes on from them.
  t.expect(records.map((exit) => exit.count)).toEqual(Array.from({ length: kept }, (_, i) => 3 + i + 1));
  const link = await other.attach();
  const run = await t.guest.syscall("dup", 0);
  await link.detach();
  t.expect(run.exits.map((exit) => exit.count)).toEqual([3]);
  run.accountForExits();
  t.expect((await t.guest.inventory()).rexStats?.["lost_records"]).toBe(0);
});

rexTest(
  "who has written a number to the open file reads what came behind it",
  { permissions: { hostTools: true } },
  async (t) => {
    const failing = await t.load(program);
    await using _link = await failing.attach();
    (await t.guest.syscall("dup", 0, { repeat: 5 })).accountForExits();
    const written = ["", "3", "5", "0", "x", "-1", "18446744073709551615", "18446744073709551616"];
    const script = `
      for number in "$@"; do
        exec 3<>/sys/kernel/debug/rex/exits
        [ "$number" ] && ! echo "$number" 2>/dev/null >&3 && echo refused
        grep "^exit " <&3
        echo "after <$number>"
      done`;
    const read = await t.guest.exec(["sh", "-c", script, "sh", ...written]);
    const exits = (...numbers: readonly number[]) => numbers.map((number) => `exit ${number}`);
    const all = exits(1, 2, 3, 4, 5);
    t.expect(read.stdout.trimEnd().split("\n")).toEqual([
      ...[...all, "after <>", ...exits(4, 5), "after <3>", "after <5>", ...all, "after <0>"],
      // What is no such number changes nothing.
      ...written.slice(4).flatMap((number) => ["refused", ...all, `after <${number}>`]),
    ]);
  },
);
