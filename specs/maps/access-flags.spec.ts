// SPDX-License-Identifier: MIT
// Promise: what a map's flags forbid to programs no program does.
import { i64, rex, rexTest, u32, u64 } from "rex-test";
import { ElfEditor, mapRecord, showOtherMap } from "../loader/elf.ts";

rexTest("a map that is read-only for programs is read by them and never changed", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "reads" })`
    use rex::linux::bpf::BPF_F_RDONLY_PROG;
    #[rex_map]
    static LIMITS: RexArrayMap<u64> = RexArrayMap::new(1, BPF_F_RDONLY_PROG as u32);
    #[rex_map]
    static OUT: RexArrayMap<i64> = RexArrayMap::new(2, 0);

    fn reads(_: &kprobe, ctx: &mut PtRegs) -> Result {
      OUT.insert(&0, &(LIMITS.get(&0).unwrap() as i64))?;
      OUT.insert(&1, &i64::from(LIMITS.insert(&0, &1).err().unwrap_or(0)))?;
      if ctx.syscall_regs()?.args()[0] == 55 { *LIMITS.get_mut(&0).unwrap() += 1; }
      Ok(0)
    }
  `);
  const limits = program.map("LIMITS", { key: u32, value: u64 });
  await limits.set(0, 77n);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const eperm = -1n;
  t.expect((await program.map("OUT", { key: u32, value: i64 }).entries()).map(([, value]) => value)).toEqual([
    77n,
    eperm,
  ]);
  t.expect(await t.guest.syscall("dup", 55)).toExitGracefully({
    message: "the map is read-only for programs",
  });
  t.expect(await limits.get(0)).toBe(77n);
});

rexTest("a map that programs may only write to shows them nothing", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "writes" })`
    use rex::linux::bpf::BPF_F_WRONLY_PROG;
    #[rex_map]
    static SECRETS: RexHashMap<u32, u64> = RexHashMap::new(4, BPF_F_WRONLY_PROG as u32);
    #[rex_map]
    static OUT: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn writes(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      SECRETS.insert(&1, &42)?;
      OUT.insert(&0, &u64::from(SECRETS.get(&1).is_some()))
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  t.expect(await program.map("SECRETS", { key: u32, value: u64 }).get(1)).toBe(42n);
  t.expect(await program.map("OUT", { key: u32, value: u64 }).get(0)).toBe(0n);
});

rexTest("a map of another key size than the program was compiled for is refused", async (t) => {
  const source = rex.kprobe({ function: "__x64_sys_dup", name: "keyed" })`
    #[rex_map]
    static KEYED: RexHashMap<u64, u64> = RexHashMap::new(4, 0);

    fn keyed(_: &kprobe, _ctx: &mut PtRegs) -> Result { KEYED.insert(&1, &1) }
  `;
  const elf = new ElfEditor((await t.compile(source)).object);
  await t
    .expect(t.load(rex.object("keyed", showOtherMap(elf, mapRecord.keySize, 4))))
    .toBeRejectedByLoader(/map KEYED: key_size is 4, the program expects 8/);
});
