// SPDX-License-Identifier: MIT
// Promise: a guest is as good as freshly booted, though it is a clone: it shares neither random numbers nor a clock that stood
// still with any other, its timers fire, and its log begins with the boot.
import { rex, rexTest, u32, u64 } from "rex-test";

const bytes = 16;
/** From when the runner looks at its clock to when the guest's is set, on a host that is busy with other things. */
const lateMs = 10_000n;

/** What other guests of this run drew; tests of a file share a thread. */
const drawn = new Map<string, string>();

// From the third or fourth on they are forked.
rexTest.each(["first", "second", "third", "fourth", "fifth", "sixth"].map((name) => ({ name })))(
  "the $name guest has random numbers of its own",
  async (t, { name }) => {
    const random = await t.guest.syscall("getrandom", { buffer: bytes }, bytes, 0);
    t.expect(random).toReturn(bytes);
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "draw" })`
      #[rex_map]
      static DRAWN: RexArrayMap<u64> = RexArrayMap::new(1, 0);

      fn draw(program: &kprobe, _ctx: &mut PtRegs) -> Result {
        let (high, low) = (program.bpf_get_prandom_u32(), program.bpf_get_prandom_u32());
        DRAWN.insert(&0, &((u64::from(high) << 32) | u64::from(low)))?;
        Ok(0)
      }
    `);
    await using _link = await program.attach();
    await t.guest.syscall("dup", 999);
    const number = await program.map("DRAWN", { key: u32, value: u64 }).get(0);
    const bootId = await t.guest.readFile("/proc/sys/kernel/random/boot_id");
    for (const value of [Buffer.from(random.buffers[0] ?? []).toString("hex"), String(number), bootId]) {
      t.expect(drawn.get(value), `${value} was drawn before`).toBeUndefined();
      drawn.set(value, name);
    }
  },
);

rexTest("the clock is the host's", async (t) => {
  const before = BigInt(Date.now());
  const run = await t.guest.syscall("clock_gettime", 0, { buffer: 16 });
  const after = BigInt(Date.now());
  t.expect(run).toReturn(0);
  const time = Buffer.from(run.buffers[0] ?? []);
  const guestMs = time.readBigInt64LE(0) * 1000n + time.readBigInt64LE(8) / 1_000_000n;
  t.expect(guestMs).toBeGreaterThan(before - lateMs);
  t.expect(guestMs).toBeLessThanOrEqual(after + 1n);
});

for (const cpus of [1, 2]) {
  rexTest(`timers fire on time on every one of ${cpus} CPUs`, { cpus }, async (t) => {
    const napNs = 20_000_000n;
    const nap = Buffer.from(new BigInt64Array([0n, napNs]).buffer);
    const calls = Array.from({ length: cpus }, (_, cpu) => ({ syscall: "nanosleep", args: [nap, 0], cpu }));
    for (const run of await t.guest.trigger(calls)) {
      t.expect(run).toReturn(0);
      t.expect(run.durationNs).toBeGreaterThanOrEqual(Number(napNs));
    }
  });
}

rexTest("the log begins with the boot and has no gap", async (t) => {
  const log = await t.guest.log();
  t.expect(log[0]?.text).toMatch(/^Linux version /);
  t.expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index));
});
