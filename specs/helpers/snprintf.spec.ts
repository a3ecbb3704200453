// SPDX-License-Identifier: MIT
// Promise: the kernel's formatting writes no further than the buffer, ends with a NUL, and reads no memory that it must not.
import { rex, rexTest, u32 } from "rex-test";

const formatter = (call: string) => `
  #[rex_map]
  static TEXT: RexArrayMap<[u8; 64]> = RexArrayMap::new(1, 0);
  #[rex_map]
  static LENGTH: RexArrayMap<u32> = RexArrayMap::new(1, 0);

  fn format(program: &kprobe, _ctx: &mut PtRegs) -> Result {
    let mut text = [0xeeu8; 64];
    let length = { ${call} }.unwrap_or_else(|errno| errno);
    LENGTH.insert(&0, &(length as u32))?;
    TEXT.insert(&0, &text)
  }
`;

for (const { name, call, text, length } of [
  {
    name: "numbers",
    call: 'program.bpf_snprintf(&mut text, "%d %u %llx", &[-5i64 as u64, 7, 0xdeadbeefcafe])',
    text: "-5 7 deadbeefcafe\0",
    length: 18,
  },
  { name: "no arguments", call: 'program.bpf_snprintf(&mut text, "plain", &[])', text: "plain\0", length: 6 },
  {
    name: "a text that is cut off",
    call: `{
      let part: &mut [u8; 6] = (&mut text[..6]).try_into().unwrap();
      program.bpf_snprintf(part, "123456789", &[])
    }`,
    text: "12345\0\xee\xee",
    length: 10,
  },
  {
    name: "a string at an address that is none",
    call: 'program.bpf_snprintf(&mut text, "<%s>", &[8])',
    text: "<>\0",
    length: 3,
  },
]) {
  rexTest(`bpf_snprintf formats ${name}`, async (t) => {
    const program = await t.load(
      rex.kprobe({ function: "__x64_sys_dup", name: "format" })`${formatter(call)}`,
    );
    await using _link = await program.attach();
    await t.guest.syscall("dup", 999);
    const written = Buffer.from((await program.map("TEXT").get(u32.encode(0))) ?? []).toString("latin1");
    t.expect(written.slice(0, text.length)).toBe(text);
    t.expect(await program.map("LENGTH", { key: u32, value: u32 }).get(0)).toBe(length);
    await t.expect(t.guest).toBeHealthy();
  });
}

for (const { name, call, errno } of [
  { name: "a conversion that has no argument", call: '"%d %d", &[1]', errno: -22 },
  { name: "an unknown conversion", call: '"%q", &[1]', errno: -22 },
  { name: "more arguments than it takes", call: '"%d", &[0; 13]', errno: -22 },
  { name: "a format that is too long", call: `"${"x".repeat(256)}", &[]`, errno: -7 },
]) {
  rexTest(`bpf_snprintf refuses ${name}`, async (t) => {
    const program = await t.load(
      rex.kprobe({
        function: "__x64_sys_dup",
        name: "format",
      })`${formatter(`program.bpf_snprintf(&mut text, ${call})`)}`,
    );
    await using _link = await program.attach();
    await t.guest.syscall("dup", 999);
    t.expect(await program.map("LENGTH", { key: u32, value: u32 }).get(0)).toBe(errno >>> 0);
  });
}
