// SPDX-License-Identifier: MIT
// Promise: what programs compute with the kernel's checksum helpers is what RFC 1071 says, as computed here.
import { i32, rex, rexTest, u32 } from "rex-test";
import { frame, internetChecksum, transportChecksum, udp } from "../packets.ts";

/** As many bytes, the same in every run. */
function someBytes(length: number, seed: number): Buffer {
  let state = seed;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state >>> 24;
    }),
  );
}

/** Folds sums of 16-bit words, in the machine's order, that may be much longer. */
function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return folded;
}

function sumOf(bytes: Buffer, word = (value: number) => value): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += word(bytes.readUInt16LE(at));
  return sum;
}

for (const type of ["xdp", "tc"] as const) {
  rexTest(`${type}: the difference that a change of bytes makes`, async (t) => {
    const [object, context] = type === "xdp" ? ["xdp", "xdp_md"] : ["sched_cls", "__sk_buff"];
    // Two lengths in words, the seed, and both texts.
    const program = await t.load(rex[type]({ name: "difference" })`
      #[rex_map]
      static SUM: RexArrayMap<u32> = RexArrayMap::new(1, 0);

      fn difference(program: &${object}, ctx: &mut ${context}) -> Result {
        let bytes = &ctx.data_slice[14..];
        let (from, to) = (usize::from(bytes[0]), usize::from(bytes[1]));
        let seed = u32::from_le_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]);
        let (from, to) = bytes[6..6 + from + to].split_at(from);
        let sum = program.bpf_csum_diff(ctx, from, to, seed)?;
        SUM.insert(&0, &sum)
      }
    `);
    const sums = program.map("SUM", { key: u32, value: u32 });
    const difference = async (from: Buffer, to: Buffer, seed: number) => {
      const seedBytes = Buffer.alloc(4);
      seedBytes.writeUInt32LE(seed);
      const { retval } = await program.testRun({
        data: frame([from.length, to.length, ...seedBytes, ...from, ...to]),
      });
      return retval === 0 ? fold((await sums.get(0)) ?? 0) : retval | 0;
    };
    for (const [from, to, seed] of [
      [someBytes(20, 1), someBytes(20, 2), 0],
      [someBytes(0, 3), someBytes(64, 4), 0x12345678],
      [someBytes(64, 5), someBytes(0, 6), 0xfffffff0],
      [someBytes(8, 7), someBytes(40, 8), 0xffff],
    ] as const) {
      const expected = seed + sumOf(from, (value) => ~value & 0xffff) + sumOf(to);
      // 0 and 0xffff are the same number of this arithmetic.
      const value = await difference(from, to, seed);
      t.expect(value % 0xffff, `${from.length} to ${to.length}`).toBe(fold(expected) % 0xffff);
    }
    const einval = -22;
    t.expect(await difference(someBytes(6, 1), someBytes(4, 1), 0), "no words").toBe(einval);
  });
}

rexTest("more bytes than the kernel takes are refused", async (t) => {
  const program = await t.load(rex.xdp({ name: "long" })`
    fn long(program: &xdp, ctx: &mut xdp_md) -> Result {
      let whole = program.bpf_csum_diff(ctx, &[0; 256], &[0; 256], 0);
      let long = program.bpf_csum_diff(ctx, &[0; 256], &[0; 260], 0);
      Ok((whole.is_ok() && long == Err(-22)) as i32)
    }
  `);
  t.expect(await program.testRun({ data: frame([]) })).toReturn(1);
});

rexTest("a changed address and port, with the checksums of IP and UDP brought up to date", async (t) => {
  const program = await t.load(rex.tc({ name: "translate" })`
    fn translate(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      const UDP: u32 = 34;
      let ip = program.ip_header(skb);
      let (from, to) = (u64::from(ip.daddr), u64::from(u32::from_ne_bytes([192, 168, 77, 1])));
      ip.daddr = to as u32;
      program.bpf_l3_csum_replace(skb, 24, from, to, 4)?;
      program.bpf_l4_csum_replace(skb, UDP + 6, from, to, 4 | u64::from(BPF_F_PSEUDO_HDR))?;
      let udp = program.udp_header(skb);
      let (from, to) = (u64::from(udp.dest), u64::from(4242u16.to_be()));
      udp.dest = to as u16;
      program.bpf_l4_csum_replace(skb, UDP + 6, from, to, 2)?;
      let wrong = [
        program.bpf_l3_csum_replace(skb, 24, 1, 2, 3),
        program.bpf_l3_csum_replace(skb, 25, 1, 2, 2),
        program.bpf_l4_csum_replace(skb, 4000, 1, 2, 2),
      ];
      Ok((wrong == [Err(-22), Err(-14), Err(-14)]) as i32)
    }
  `);
  for (const payload of ["hello", "an even one", ""]) {
    const run = await program.testRun({ data: udp({ payload }) });
    t.expect(run).toReturn(1);
    const data = Buffer.from(run.data);
    t.expect(internetChecksum(data.subarray(14, 34)), "of IP").toBe(0);
    const addresses = { source: [10, 0, 0, 2], destination: [192, 168, 77, 1] };
    t.expect([...data.subarray(30, 34)]).toEqual(addresses.destination);
    t.expect(data.readUInt16BE(36)).toBe(4242);
    t.expect(transportChecksum(17, addresses, data.subarray(34)), "of UDP").toBe(0);
  }
});

rexTest("the checksum of an IP header, computed by the program", async (t) => {
  const program = await t.load(rex.xdp({ name: "compute" })`
    fn compute(program: &xdp, ctx: &mut xdp_md) -> Result {
      let ip = program.ip_header(ctx);
      ip.check = compute_ip_checksum(ip);
      Ok(XDP_PASS as i32)
    }
  `);
  for (let seed = 1; seed <= 8; seed++) {
    const header = someBytes(20, seed);
    const run = await program.testRun({ data: frame([...header]) });
    header.writeUInt16BE(0, 10);
    header.writeUInt16BE(internetChecksum(header), 10);
    t.expect(Buffer.from(run.data).subarray(14)).toEqual(header);
  }
});

rexTest("what the hardware has checked is counted, and what it summed up can be corrected", async (t) => {
  const program = await t.load(rex.tc({ name: "levels" })`
    #[rex_map]
    static LEVELS: RexArrayMap<i32> = RexArrayMap::new(8, 0);

    fn levels(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      let steps = [
        BPF_CSUM_LEVEL_QUERY, BPF_CSUM_LEVEL_INC, BPF_CSUM_LEVEL_INC, BPF_CSUM_LEVEL_DEC, BPF_CSUM_LEVEL_RESET, 99,
      ];
      for (index, step) in (0..).zip(steps) {
        let mut result = program.bpf_csum_level(skb, step).unwrap_or_else(|errno| errno);
        if result == 0 {
          result = program.bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY).unwrap_or_else(|errno| errno);
        }
        LEVELS.insert(&index, &result)?;
      }
      // Nothing summed this packet up.
      LEVELS.insert(&6, &program.bpf_csum_update(skb, 1).map_or_else(|errno| errno, |_| 0))
    }
  `);
  t.expect(await program.testRun({ data: udp() })).toReturn(0);
  const [eacces, einval, enotsupp] = [-13, -22, -524];
  const levels = await program.map("LEVELS", { key: u32, value: i32 }).entries();
  t.expect(levels.map(([, value]) => value)).toEqual([eacces, 0, 1, 0, eacces, einval, enotsupp, 0]);
});
