// SPDX-License-Identifier: MIT
// Promise: a Rex program on a perf event interrupts another program that is under way, so that it sees the time which that takes.
import { rex, rexTest, u32, u64 } from "rex-test";

const busyMs = 60;

rexTest("a program on cpu-clock interrupts one on a kprobe", async (t) => {
  const ticks = await t.load(rex.perfEvent({ name: "tick" })`
    #[rex_map]
    static TICKS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn tick(_: &perf_event, _ctx: &bpf_perf_event_data) -> Result {
      TICKS.get_mut(&0).ok_or(-1)?.fetch_add(1);
      Ok(0)
    }
  `);
  const busy = await t.load(
    rex.kprobe({ function: "__x64_sys_dup", name: "busy" })`
      #[rex_map]
      static TICKS: RexArrayMap<u64> = RexArrayMap::new(1, 0);
      #[rex_map]
      static SEEN: RexArrayMap<u64> = RexArrayMap::new(1, 0);

      fn busy(program: &kprobe, _ctx: &mut PtRegs) -> Result {
        let before = TICKS.get(&0).ok_or(-1)?;
        let start = program.bpf_ktime_get_ns();
        while program.bpf_ktime_get_ns() - start < ${busyMs}_000_000 {}
        SEEN.insert(&0, &(TICKS.get(&0).ok_or(-1)? - before))
      }
    `,
    { maps: { TICKS: ticks.map("TICKS") } },
  );
  await using _ticking = await ticks.attach({
    target: { kind: "perfEvent", event: "cpu-clock", samplePeriod: "1000000", cpu: 0 },
  });
  await using _link = await busy.attach();
  t.expect(await t.guest.syscall("dup", 999)).toReturn("EBADF");
  // A tick each millisecond, of which a busy host may lose all but a few.
  t.expect(await busy.map("SEEN", { key: u32, value: u64 }).get(0)).toBeGreaterThan(0n);
});
