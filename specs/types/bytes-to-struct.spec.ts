// SPDX-License-Identifier: MIT
// Promise: bytes become typed data only when there are enough of them, wherever they begin, and go back without a byte that is no data.
import { rex, rexTest, u32, u64 } from "rex-test";

const layout = `
  #[derive(Clone, Copy)]
  #[repr(C)]
  struct Header { kind: u16, length: u16, id: u32 }
`;

rexTest("a struct is read from the start of a slice, aligned or not", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "reader" })`
    use rex::utils::convert_slice_to_struct;
    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Header { kind: u16, length: u16, id: u32 }
    #[rex_map]
    static IDS: RexArrayMap<u64> = RexArrayMap::new(9, 0);

    fn reader(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let mut bytes = [0u8; 16];
      for (index, byte) in bytes.iter_mut().enumerate() { *byte = index as u8; }
      for start in 0..9usize {
        let header = convert_slice_to_struct::<Header>(&bytes[start..]);
        let all = u64::from(header.kind) | u64::from(header.length) << 16 | u64::from(header.id) << 32;
        IDS.insert(&(start as u32), &all)?;
      }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const bytes = Buffer.from(Array.from({ length: 16 }, (_, index) => index));
  const expected = Array.from({ length: 9 }, (_, start) => [
    start,
    bytes.readBigUInt64LE(Math.min(start, 8)),
  ]);
  t.expect(await program.map("IDS", { key: u32, value: u64 }).entries()).toEqual(expected);
});

rexTest("what is written to a struct is in the slice, aligned or not, and nothing else is", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "writer" })`
    use rex::utils::convert_slice_to_struct_mut;
    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Header { kind: u16, length: u16, id: u32 }
    #[rex_map]
    static BYTES: RexArrayMap<[u8; 24]> = RexArrayMap::new(8, 0);

    fn writer(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      for start in 0..8usize {
        let mut bytes = [0xeeu8; 24];
        {
          let mut header = convert_slice_to_struct_mut::<Header>(&mut bytes[start + 1..]);
          header.kind = 0x0201;
          header.id = 0x0807_0605;
        }
        BYTES.insert(&(start as u32), &bytes)?;
      }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const written = [1, 2, 0xee, 0xee, 5, 6, 7, 8];
  for (const [start, value] of await program.map("BYTES").entries()) {
    const at = Buffer.from(start).readUInt32LE() + 1;
    const expected = Array.from({ length: 24 }, (_, index) => written[index - at] ?? 0xee);
    t.expect([...value], `from byte ${at}`).toEqual(expected);
  }
});

for (const { name, call } of [
  { name: "read", call: "convert_slice_to_struct::<Header>(&bytes[..length]).id" },
  {
    name: "written",
    call: "{ let mut h = convert_slice_to_struct_mut::<Header>(&mut bytes[..length]); h.id = 1; h.id }",
  },
]) {
  rexTest(`a struct can't be ${name} in a slice that is too short for it`, async (t) => {
    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "short" })`
      use rex::utils::{convert_slice_to_struct, convert_slice_to_struct_mut};
      ${layout}
      fn short(_: &kprobe, ctx: &mut PtRegs) -> Result {
        let mut bytes = [0u8; 16];
        let length = ctx.syscall_regs()?.args()[0] as usize;
        let _ = &mut bytes;
        Ok(${call} as i32)
      }
    `);
    await using _link = await program.attach();
    for (const length of [0, 1, 7]) {
      t.expect(await t.guest.syscall("dup", length)).toExitGracefully({
        reason: "panic",
        message: new RegExp(`a .*Header has 8 bytes, the slice only ${length}`),
        at: /main\.rs:/,
      });
    }
    t.expect((await t.guest.syscall("dup", 8)).exits).toEqual([]);
    await t.expect(t.guest).toBeHealthy();
  });
}

rexTest("network order and packed fields read as numbers", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "fields" })`
    use rex::utils::{convert_slice_to_struct, read_field, u16be};
    #[derive(Clone, Copy)]
    #[repr(C, packed)]
    struct Packed { tag: u8, port: u16be, sequence: u32 }
    #[rex_map]
    static OUT: RexArrayMap<u64> = RexArrayMap::new(4, 0);

    fn fields(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let bytes = [7u8, 0x1f, 0x90, 1, 2, 3, 4];
      let packed = convert_slice_to_struct::<Packed>(&bytes);
      let port = read_field!(packed, port);
      OUT.insert(&0, &u64::from(u16::from(port)))?;
      OUT.insert(&1, &u64::from(read_field!(packed, sequence)))?;
      OUT.insert(&2, &u64::from(port == 8080 && u16be::from(8080) == port))?;
      OUT.insert(&3, &u64::from(u16be::new(1) < u16be::new(256)))
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const out = await program.map("OUT", { key: u32, value: u64 }).entries();
  t.expect(out.map(([, value]) => value)).toEqual([8080n, 0x04030201n, 1n, 1n]);
});
