// SPDX-License-Identifier: MIT
// Promise: what a program holds of a map is its own copy: two of them never alias, and a change reaches the map when it ends, or not
// at all.
import { rex, rexTest, u32, u64 } from "rex-test";

rexTest("two lookups of one key are two copies", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "copies" })`
    #[rex_map]
    static VALUES: RexArrayMap<u64> = RexArrayMap::new(4, 0);

    fn copies(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let mut first = VALUES.get_mut(&0).unwrap();
      let mut second = VALUES.get_mut(&0).unwrap();
      *first = 5;
      let seen_by_second = *second;
      first.commit();
      let still_seen = *second;
      second.refresh();
      let after_refresh = *second;
      *second += 100;
      drop(second);
      drop(first);
      VALUES.insert(&1, &seen_by_second)?;
      VALUES.insert(&2, &still_seen)?;
      VALUES.insert(&3, &after_refresh)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const values = await program.map("VALUES", { key: u32, value: u64 }).entries();
  t.expect(values.map(([, value]) => value)).toEqual([105n, 0n, 0n, 5n]);
});

rexTest("a panic before the write-back leaves the map as it was", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "half" })`
    #[rex_map]
    static PAIR: RexArrayMap<[u64; 2]> = RexArrayMap::new(1, 0);

    fn half(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let mut pair = PAIR.get_mut(&0).unwrap();
      pair[0] += 1;
      assert!(ctx.syscall_regs()?.args()[0] != 55, "between the halves");
      pair[1] += 1;
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  const pair = program.map("PAIR");
  await t.guest.syscall("dup", 999);
  t.expect(await t.guest.syscall("dup", 55)).toExitGracefully({ message: "between the halves" });
  const bytes = Buffer.from((await pair.get(u32.encode(0))) ?? []);
  t.expect([bytes.readBigUInt64LE(0), bytes.readBigUInt64LE(8)]).toEqual([1n, 1n]);
});

rexTest("a value that is only read is not written back", { cpus: 2 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "reader" })`
    #[rex_map]
    static VALUE: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn reader(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let read = VALUE.get_mut(&0).unwrap();
      VALUE.insert(&0, &9)?;
      let before = *read;
      drop(read);
      Ok(before as i32)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  t.expect(await program.map("VALUE", { key: u32, value: u64 }).get(0)).toBe(9n);
});

for (const bytes of [1, 3, 7, 8, 9, 24, 100, 1000]) {
  rexTest(`a value of ${bytes} bytes comes back whole, and its neighbours are untouched`, async (t) => {
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "sized" })`
      #[rex_map]
      static SIZED: RexArrayMap<[u8; ${bytes}]> = RexArrayMap::new(3, 0);

      fn sized(_: &kprobe, _ctx: &mut PtRegs) -> Result {
        let mut value = SIZED.get_mut(&1).unwrap();
        for (index, byte) in value.iter_mut().enumerate() { *byte = (*byte).wrapping_add((index as u8).wrapping_add(1)); }
        Ok(0)
      }
    `);
    const sized = program.map("SIZED");
    await sized.set(u32.encode(1), Buffer.alloc(bytes, 100));
    await using _link = await program.attach();
    await t.guest.syscall("dup", 999);
    const all = await sized.entries();
    t.expect(all.map(([, value]) => [...value])).toEqual([
      new Array(bytes).fill(0),
      Array.from({ length: bytes }, (_, index) => (100 + index + 1) % 256),
      new Array(bytes).fill(0),
    ]);
  });
}

rexTest("a map without its attribute is empty, not a wild pointer", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "bare" })`
    static BARE: RexHashMap<u32, u64> = RexHashMap::new(4, 0);
    static QUEUE: RexQueue<u64> = RexQueue::new(4, 0);
    static STACKS: RexStackTrace<u32, [u64; 8]> = RexStackTrace::new(4, 0);
    #[rex_map]
    static OUT: RexArrayMap<[i32; 6]> = RexArrayMap::new(1, 0);

    fn bare(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let errno = |result: Result| result.err().unwrap_or(0);
      OUT.insert(&0, &[
        errno(BARE.insert(&1, &1)),
        errno(BARE.delete(&1)),
        i32::from(BARE.get(&1).is_some()),
        errno(QUEUE.push(&1)),
        i32::from(QUEUE.pop().is_some()),
        errno(STACKS.stackid(0)),
      ])
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const out = Buffer.from((await program.map("OUT").get(u32.encode(0))) ?? []);
  const einval = -22;
  t.expect([0, 4, 8, 12, 16, 20].map((at) => out.readInt32LE(at))).toEqual([
    einval,
    einval,
    0,
    einval,
    0,
    einval,
  ]);
});
