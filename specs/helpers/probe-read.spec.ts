// SPDX-License-Identifier: MIT
// Promise: memory at any address is read or it is not, without a fault; what could not be read is zeroes, never what was there before.
import { bytes, i64, rex, rexTest, u32, u64 } from "rex-test";

const efault = -14n;
const results = { key: u32, value: i64 };

rexTest("kernel memory that can't be read is an error and zeroes", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "reads" })`
    #[rex_map]
    static OUT: RexArrayMap<i64> = RexArrayMap::new(8, 0);

    fn reads(program: &kprobe, ctx: &mut PtRegs) -> Result {
      let user = ctx.syscall_regs()?.rsp();
      for (index, address) in [0, 8, u64::MAX - 3, 0xffff_8000_0000_0000 - 4, 0xdead_0000_0000_0000, user].into_iter().enumerate() {
        let mut value = u64::MAX;
        let error = program.bpf_probe_read_kernel(&mut value, address as *const ()).err().unwrap_or(0);
        OUT.insert(&(index as u32), &(i64::from(error) << 32 | value as i64))?;
      }
      Ok(0)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const out = (await program.map("OUT", results).entries()).map(([, value]) => value);
  // The errno above, the zeroed value below.
  t.expect(out.slice(0, 6)).toEqual(new Array(6).fill(efault << 32n));
  await t.expect(t.guest).toBeHealthy();
});

rexTest("kernel memory that is there is read, as a struct and as text", async (t) => {
  const linuxBanner = (await t.guest.kallsyms(["linux_banner"]))[0];
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "banner" })`
    #[rex_map]
    static TEXT: RexArrayMap<[u8; 64]> = RexArrayMap::new(2, 0);
    #[rex_map]
    static LENGTH: RexArrayMap<i64> = RexArrayMap::new(1, 0);

    fn banner(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let address = ${String(linuxBanner?.address ?? 0)}u64 as *const ();
      let mut bytes = [0u8; 64];
      program.bpf_probe_read_kernel(&mut bytes, address)?;
      TEXT.insert(&0, &bytes)?;
      let mut text = [0xeeu8; 64];
      let length = program.bpf_probe_read_kernel_str(&mut text[..14], address)?;
      LENGTH.insert(&0, &i64::from(length))?;
      TEXT.insert(&1, &text)
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const [whole, cut] = (await program.map("TEXT").entries()).map(([, value]) => Buffer.from(value));
  t.expect(whole?.toString("latin1")).toMatch(/^Linux version /);
  t.expect(cut?.subarray(0, 14)).toEqual(Buffer.from("Linux version\0"));
  t.expect([...(cut?.subarray(14) ?? [])], "what is behind the slice").toEqual(new Array(50).fill(0xee));
  t.expect(await program.map("LENGTH", results).get(0)).toBe(14n);
});

const userText = rex.kprobe({ function: "ksys_write", name: "user_text" })`
  #[rex_map]
  static TEXT: RexArrayMap<[u8; 16]> = RexArrayMap::new(1, 0);
  #[rex_map]
  static OUT: RexArrayMap<i64> = RexArrayMap::new(2, 0);

  fn user_text(program: &kprobe, ctx: &mut PtRegs) -> Result {
    if ctx.rdi() as u32 != 4242 { return Ok(0); }
    let address = ctx.rsi() as *const ();
    let mut text = [0xeeu8; 16];
    let length = program.bpf_probe_read_user_str(&mut text, address).unwrap_or_else(|errno| errno);
    OUT.insert(&0, &i64::from(length))?;
    TEXT.insert(&0, &text)?;
    let mut word = u32::MAX;
    let error = program.bpf_probe_read_user(&mut word, address).err().unwrap_or(0);
    OUT.insert(&1, &(i64::from(error) << 32 | i64::from(word)))
  }
`;

rexTest("text and numbers of the process are read", async (t) => {
  const program = await t.load(userText);
  await using _link = await program.attach();
  const text = program.map("TEXT", { key: u32, value: bytes });
  const out = program.map("OUT", results);
  for (const { given, seen } of [
    { given: "hello", seen: "hello" },
    { given: "exactly fifteen", seen: "exactly fifteen" },
    { given: "more than fifteen bytes", seen: "more than fifte" },
  ]) {
    await t.guest.syscall("write", 4242, given, given.length);
    t.expect(Buffer.from((await text.get(0)) ?? []).toString(), "padded with NULs").toBe(
      seen.padEnd(16, "\0"),
    );
    t.expect(await out.get(0)).toBe(BigInt(seen.length + 1));
    t.expect(await out.get(1)).toBe(BigInt(Buffer.from(given).readUInt32LE()));
  }
});

rexTest("memory that is not the process's gives zeroes", async (t) => {
  const program = await t.load(userText);
  await using _link = await program.attach();
  const kernel = 0xffffffff81000000n;
  for (const address of [0n, 8n, kernel, 0x7fff_ffff_f000n]) {
    await t.guest.syscall("write", 4242, address, 4);
    t.expect([...((await program.map("TEXT").get(u32.encode(0))) ?? [])], `text at ${address}`).toEqual(
      new Array(16).fill(0),
    );
    t.expect((await program.map("OUT", results).entries()).map(([, value]) => value)).toEqual([
      efault,
      efault << 32n,
    ]);
  }
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a text is not read into a slice without room for its NUL", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "nowhere" })`
    #[rex_map]
    static OUT: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn nowhere(program: &kprobe, _ctx: &mut PtRegs) -> Result {
      let mut empty = [0u8; 0];
      let errno = program.bpf_probe_read_user_str(&mut empty, 8 as *const ()).err().unwrap_or(0);
      OUT.insert(&0, &(-errno as u64))
    }
  `);
  await using _link = await program.attach();
  await t.guest.syscall("dup", 999);
  const einval = 22n;
  t.expect(await program.map("OUT", { key: u32, value: u64 }).get(0)).toBe(einval);
});
