// SPDX-License-Identifier: MIT
// Promise: a tc program reads and changes its packet, by slice, header and helper, and what it returns is the verdict. By
// BPF_PROG_TEST_RUN.
import { rex, rexTest, u32, u64 } from "rex-test";
import { frame, internetChecksum, ipv4, udp } from "../packets.ts";

const edeadlk = 35n;

rexTest("every verdict comes back, and so does a changed packet", async (t) => {
  const program = await t.load(rex.tc({ name: "verdict" })`
    fn verdict(_: &sched_cls, skb: &mut __sk_buff) -> Result {
      let verdict = i32::from(skb.data_slice[14] as i8);
      skb.data_slice[15] += 1;
      Ok(verdict)
    }
  `);
  for (const verdict of [0, 2, 7, -1]) {
    const run = await program.testRun({ data: frame([verdict & 0xff, 6]) });
    t.expect(run).toReturn(verdict >>> 0);
    t.expect(run.data).toEqual(frame([verdict & 0xff, 7]));
  }
});

rexTest("the fields of a packet are those of its __sk_buff", async (t) => {
  const program = await t.load(rex.tc({ name: "fields" })`
    #[rex_map]
    static SEEN: RexArrayMap<u64> = RexArrayMap::new(8, 0);

    fn fields(_: &sched_cls, skb: &mut __sk_buff) -> Result {
      SEEN.insert(&0, &u64::from(skb.len()))?;
      SEEN.insert(&1, &u64::from(skb.mark()))?;
      SEEN.insert(&2, &u64::from(skb.priority()))?;
      SEEN.insert(&3, &u64::from(u16::from_be(skb.protocol() as u16)))?;
      SEEN.insert(&4, &u64::from(skb.cb()[4]))?;
      SEEN.insert(&5, &u64::from(skb.ifindex()))?;
      SEEN.insert(&6, &u64::from(skb.data_len() + skb.vlan_present()))?;
      SEEN.insert(&7, &(skb.data_length() as u64))?;
      Ok(TC_ACT_OK as i32)
    }
  `);
  // struct __sk_buff: mark at 8, priority at 32, cb[4] at 64, 192 bytes in all.
  const context = Buffer.alloc(192);
  context.writeUInt32LE(0xabcd, 8);
  context.writeUInt32LE(5, 32);
  context.writeUInt32LE(77, 64);
  const data = udp();
  t.expect(await program.testRun({ data, context })).toReturn(0);
  const seen = await program.map("SEEN", { key: u32, value: u64 }).entries();
  t.expect(seen.map(([, value]) => value)).toEqual([
    BigInt(data.length),
    0xabcdn,
    5n,
    BigInt(ipv4),
    77n,
    1n, // the loopback device
    0n,
    BigInt(data.length),
  ]);
});

rexTest("headers, stored bytes and checksums", async (t) => {
  const program = await t.load(rex.tc({ name: "rewrite" })`
    fn rewrite(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      let mut before = [0u8; 4];
      program.bpf_skb_load_bytes(skb, 30, &mut before)?;
      let after = [172, 16, 0, 3];
      program.bpf_skb_store_bytes(skb, 30, &after, 0)?;
      let (from, to) = (u32::from_ne_bytes(before), u32::from_ne_bytes(after));
      program.bpf_l3_csum_replace(skb, 24, u64::from(from), u64::from(to), 4)?;
      let ip = program.ip_header(skb);
      if u32::from(ip.protocol) != IPPROTO_UDP || ip.daddr != to {
        return Ok(TC_ACT_SHOT as i32);
      }
      program.udp_header(skb).source = 53u16.to_be();
      Ok(TC_ACT_OK as i32)
    }
  `);
  const run = await program.testRun({ data: udp() });
  t.expect(run).toReturn(0);
  const data = Buffer.from(run.data);
  t.expect([...data.subarray(30, 34)]).toEqual([172, 16, 0, 3]);
  t.expect(internetChecksum(data.subarray(14, 34)), "checksum over the header").toBe(0);
  t.expect(data.readUInt16BE(34), "port").toBe(53);
});

rexTest("bytes beyond the end are neither loaded nor stored", async (t) => {
  const program = await t.load(rex.tc({ name: "beyond" })`
    fn beyond(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      let mut bytes = [1u8; 8];
      let end = skb.len();
      let results = [
        program.bpf_skb_load_bytes(skb, end - 7, &mut bytes),
        program.bpf_skb_load_bytes(skb, u32::MAX - 3, &mut bytes),
        program.bpf_skb_store_bytes(skb, end - 7, &bytes, 0),
        program.bpf_skb_store_bytes(skb, i32::MAX as u32, &bytes, 0),
        program.bpf_skb_store_bytes(skb, u32::MAX - 3, &bytes, 0),
      ];
      let refused = results.iter().all(|result| *result == Err(-14));
      Ok((refused && bytes == [0; 8]) as i32)
    }
  `);
  const data = frame([1, 2, 3, 4, 5, 6, 7, 8]);
  const run = await program.testRun({ data });
  t.expect(run).toReturn(1);
  t.expect(run.data).toEqual(data);
});

rexTest("a packet changes its length, and the slice with it", async (t) => {
  const program = await t.load(rex.tc({ name: "resize" })`
    fn resize(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      let len = u32::from(skb.data_slice[14]);
      let at = usize::from(skb.data_slice[15]);
      program.bpf_skb_change_tail(skb, len, 0)?;
      program.bpf_skb_pull_data(skb, len)?;
      skb.data_slice[at] = 0xaa;
      Ok(skb.data_slice.len() as i32)
    }
  `);
  const grown = await program.testRun({ data: frame([30, 29]) });
  t.expect(grown).toReturn(30);
  t.expect([...grown.data.subarray(16)]).toEqual([...new Array(13).fill(0), 0xaa]);
  const cut = await program.testRun({ data: frame([17, 16, 1, 2, 3, 4]) });
  t.expect(cut).toReturn(17);
  t.expect([...cut.data.subarray(14)]).toEqual([17, 16, 0xaa]);
  const beyond = await program.testRun({ data: frame([17, 17, 1, 2, 3, 4]) });
  t.expect(beyond).toExitGracefully({ message: "index out of bounds: the len is 17 but the index is 17" });
  t.expect(beyond, "dropped").toReturn(2);
});

// Sending waits for the lock of a queue, and would turn interrupts on.
rexTest("no copy is sent while a lock is held", async (t) => {
  const program = await t.load(rex.tc({ name: "sending" })`
    use rex::spinlock::bpf_spin_lock;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Entry { lock: bpf_spin_lock, value: u32 }

    #[rex_map(lock = "lock")]
    static ENTRIES: RexArrayMap<Entry> = RexArrayMap::new(1, 0);
    #[rex_map]
    static ERRNO: RexArrayMap<u64> = RexArrayMap::new(2, 0);

    fn sending(program: &sched_cls, skb: &mut __sk_buff) -> Result {
      let entry = ENTRIES.lock(&0).ok_or(-1)?;
      let held = program.bpf_clone_redirect(skb, 1, 0).err().unwrap_or(0);
      drop(entry);
      let free = program.bpf_clone_redirect(skb, 1, 0).err().unwrap_or(0);
      ERRNO.insert(&0, &(-held as u64))?;
      ERRNO.insert(&1, &(-free as u64))?;
      Ok(TC_ACT_OK as i32)
    }
  `);
  t.expect(await program.testRun({ data: udp() })).toReturn(0);
  const errno = program.map("ERRNO", { key: u32, value: u64 });
  t.expect(await errno.get(0), "under a lock").toBe(edeadlk);
  t.expect(await errno.get(1), "without one").not.toBe(edeadlk);
  await t.expect(t.guest).toBeHealthy();
});
