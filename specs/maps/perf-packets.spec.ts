// SPDX-License-Identifier: MIT
// Promise: an event of a packet program has as many bytes of its packet behind the program's data as it asked for; and programs on
// perf events write events too.
import { bytes, i32, rex, rexTest, u32, u64 } from "rex-test";
import { busyUntil } from "../clock.ts";
import { frame, udp } from "../packets.ts";

for (const type of ["xdp", "tc"] as const) {
  const [object, context] = type === "xdp" ? ["xdp", "xdp_md"] : ["sched_cls", "__sk_buff"];

  rexTest(`${type}: the beginning of the packet is behind the data`, async (t) => {
    const program = await t.load(rex[type]({ name: "sample" })`
      use rex::utils::PerfEventMaskedCPU;
      #[rex_map]
      static EVENTS: RexPerfEventArray<u64> = RexPerfEventArray::new(1, 0);

      fn sample(program: &${object}, ctx: &mut ${context}) -> Result {
        let len = u32::from_le_bytes([ctx.data_slice[0], ctx.data_slice[1], ctx.data_slice[2], 0]);
        ctx.data_slice[3] = 0xee;
        EVENTS.output_with_packet(program, ctx, &0x1122334455667788, len, PerfEventMaskedCPU::current_cpu())
      }
    `);
    const events = await program.perfEvents("EVENTS", bytes);
    const packet = udp({ payload: "a text that is behind all headers" });
    for (const length of [0, 14, 42, packet.length]) {
      packet.writeUIntLE(length, 0, 3);
      t.expect(await program.testRun({ data: packet })).toReturn(0);
      const [event] = (await events.read()).events;
      const value = Buffer.from(event?.value ?? []);
      t.expect(value.readBigUInt64LE(0)).toBe(0x1122334455667788n);
      const expected = Buffer.from(packet);
      expected.writeUInt8(0xee, 3);
      t.expect(value.subarray(8, 8 + length), `${length} bytes`).toEqual(expected.subarray(0, length));
      // The kernel pads events to 8 bytes, of which 4 are the size.
      t.expect(value.length - (8 + length), "no byte more, padding aside").toBeLessThan(8);
    }
    const efault = -14 >>> 0;
    for (const length of [packet.length + 1, 0xffffff]) {
      packet.writeUIntLE(length, 0, 3);
      t.expect(await program.testRun({ data: packet }), "beyond the end").toReturn(efault);
    }
    t.expect((await events.read()).events).toEqual([]);
    await t.expect(t.guest).toBeHealthy();
  });

  rexTest(`${type}: an event without the packet`, async (t) => {
    const program = await t.load(rex[type]({ name: "plain" })`
      use rex::utils::PerfEventMaskedCPU;
      #[rex_map]
      static EVENTS: RexPerfEventArray<u32> = RexPerfEventArray::new(1, 0);

      fn plain(program: &${object}, ctx: &mut ${context}) -> Result {
        let len = ctx.data_length() as u32;
        EVENTS.output(program, ctx, &len, PerfEventMaskedCPU::current_cpu())
      }
    `);
    const events = await program.perfEvents("EVENTS", u32);
    t.expect(await program.testRun({ data: frame([1, 2, 3]) })).toReturn(0);
    t.expect((await events.read()).events).toEqual([{ cpu: 0, value: 17 }]);
  });
}

rexTest("a program on a perf event writes events", async (t) => {
  const program = await t.load(rex.perfEvent({ name: "periods" })`
    use rex::utils::PerfEventMaskedCPU;
    #[rex_map]
    static EVENTS: RexPerfEventArray<u64> = RexPerfEventArray::new(1, 0);
    #[rex_map]
    static RESULT: RexArrayMap<i32> = RexArrayMap::new(1, 0);

    fn periods(program: &perf_event, ctx: &bpf_perf_event_data) -> Result {
      let period = ctx.sample_period();
      let result = EVENTS.output(program, ctx, &period, PerfEventMaskedCPU::current_cpu());
      RESULT.insert(&0, &result.unwrap_or_else(|errno| errno))
    }
  `);
  const events = await program.perfEvents("EVENTS", u64);
  const result = program.map("RESULT", { key: u32, value: i32 });
  await result.set(0, 99);
  const period = 1_000_000;
  await using link = await program.attach({
    target: { kind: "perfEvent", event: "cpu-clock", samplePeriod: `${period}`, cpu: 0 },
  });
  await busyUntil(t, async () => (await result.get(0)) !== 99, { cpu: 0 });
  await link.detach();
  t.expect(await result.get(0)).toBe(0);
  const { events: seen } = await events.read();
  t.expect(seen.length).toBeGreaterThan(0);
  t.expect(seen[0]).toEqual({ cpu: 0, value: BigInt(period) });
  await t.expect(t.guest).toBeHealthy();
});
