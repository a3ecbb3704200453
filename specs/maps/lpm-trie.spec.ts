// SPDX-License-Identifier: MIT
// Promise: a lookup in an LPM trie finds the longest prefix, and no other.
import { prefix, rex, rexTest, u32, u64 } from "rex-test";

const routes = `
  use rex::linux::bpf::BPF_F_NO_PREALLOC;
  #[rex_map]
  static ROUTES: RexLpmTrie<LpmKey<[u8; 4]>, u64> = RexLpmTrie::new(16, BPF_F_NO_PREALLOC as u32);
  #[rex_map]
  static FOUND: RexArrayMap<u64> = RexArrayMap::new(1, 0);
`;

rexTest("a program finds the longest prefix of an address", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "router" })`
    ${routes}
    fn router(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let address = (ctx.syscall_regs()?.args()[0] as u32).to_be_bytes();
      let route = ROUTES.get(&LpmKey::new(32, address));
      FOUND.insert(&0, &route.unwrap_or(0))
    }
  `);
  const table = program.map("ROUTES", { key: prefix(4), value: u64 });
  await table.set({ bits: 8, bytes: [10, 0, 0, 0] }, 8n);
  await table.set({ bits: 16, bytes: [10, 1, 0, 0] }, 16n);
  await table.set({ bits: 25, bytes: [10, 1, 2, 128] }, 25n);
  await using _link = await program.attach();
  const found = program.map("FOUND", { key: u32, value: u64 });
  for (const { address, route } of [
    { address: [10, 9, 9, 9], route: 8n },
    { address: [10, 1, 9, 9], route: 16n },
    { address: [10, 1, 2, 127], route: 16n },
    { address: [10, 1, 2, 129], route: 25n },
    { address: [11, 1, 2, 129], route: 0n },
  ]) {
    await t.guest.syscall("dup", Buffer.from(address).readUInt32BE());
    t.expect(await found.get(0), address.join(".")).toBe(route);
  }
});

rexTest("a program sets, changes and removes prefixes", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "editor" })`
    ${routes}
    fn editor(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let (wide, narrow) = (LpmKey::new(8, [10, 0, 0, 0]), LpmKey::new(24, [10, 1, 2, 0]));
      ROUTES.insert(&wide, &1)?;
      ROUTES.insert(&narrow, &2)?;
      // A change of a value, which need not be aligned here.
      if let Some(mut route) = program.bpf_map_lookup_elem(&ROUTES, &LpmKey::new(32, [10, 1, 2, 3])) {
        *route += 0x1_0000_0001;
      }
      ROUTES.delete(&wide)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const table = program.map("ROUTES", { key: prefix(4), value: u64 });
  t.expect(await table.entries()).toEqual([[{ bits: 24, bytes: [10, 1, 2, 0] }, 0x1_0000_0003n]]);
});

rexTest("a prefix longer than its data is an error, in a lookup too", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "too_long" })`
    ${routes}
    fn too_long(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      ROUTES.insert(&LpmKey::new(0, [0; 4]), &7)?;
      let looked_up = ROUTES.get(&LpmKey::new(33, [0; 4])).is_none();
      let errno = ROUTES.insert(&LpmKey::new(u32::MAX, [0; 4]), &1).err().unwrap_or(0);
      FOUND.insert(&0, &(u64::from(looked_up) << 32 | -errno as u64))
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const einval = 22n;
  t.expect(await program.map("FOUND", { key: u32, value: u64 }).get(0)).toBe((1n << 32n) | einval);
});

rexTest("counting in place needs an aligned value, and says so", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "unaligned" })`
    ${routes}
    fn unaligned(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let key = LpmKey::new(32, [1, 2, 3, 4]);
      ROUTES.insert(&key, &7)?;
      ROUTES.get_mut(&key).unwrap().fetch_add(1);
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  t.expect(await t.guest.syscall("dup", 999)).toExitGracefully({
    reason: "panic",
    message: "an unaligned value has no fetch_add",
  });
});
