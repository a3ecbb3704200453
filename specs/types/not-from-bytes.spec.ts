// SPDX-License-Identifier: MIT
// Promise: bytes never become a value that its type does not allow, nor an address. The compiler refuses it, whichever door the
// bytes come through. fixtures/compile-fail has every type; here are the doors, as the author of a program meets them.
import { rex, rexTest } from "rex-test";

rexTest("bytes of a slice do not become a bool", async (t) => {
  const source = rex.kprobe({ function: "__x64_sys_dup", name: "to_bool" })`
    fn to_bool(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let bytes = ctx.rdi().to_le_bytes();
      Ok(i32::from(*rex::utils::convert_slice_to_struct::<bool>(&bytes)))
    }
  `;
  await t
    .expect(t.compile(source))
    .toBeRejectedByCompiler(/`bool` can't be made from bytes.*[\s\S]*main\.rs:4/);
});

rexTest("bytes of a slice do not become a function to call", async (t) => {
  const source = rex.kprobe({ function: "__x64_sys_dup", name: "to_function" })`
    fn to_function(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let bytes = ctx.rdi().to_le_bytes();
      let function = rex::utils::convert_slice_to_struct::<fn() -> i32>(&bytes);
      Ok(function())
    }
  `;
  await t.expect(t.compile(source)).toBeRejectedByCompiler(/`fn\(\) -> i32` can't be made from bytes/);
});

rexTest("kernel memory does not become a reference", async (t) => {
  const source = rex.kprobe({ function: "__x64_sys_dup", name: "to_reference" })`
    fn to_reference(program: &kprobe, ctx: &mut PtRegs) -> Result {
      let mut reference: &'static u64 = &0;
      program.bpf_probe_read_kernel(&mut reference, ctx.rdi() as *const ())?;
      Ok(*reference as i32)
    }
  `;
  await t.expect(t.compile(source)).toBeRejectedByCompiler(/can't be made from bytes/);
});

rexTest("a value of a map does not become an enum", async (t) => {
  const source = rex.kprobe({ function: "__x64_sys_dup", name: "to_enum" })`
    #[derive(Clone, Copy)]
    #[repr(u32)]
    enum Mode { Off, On }
    #[rex_map]
    static MODE: RexArrayMap<Mode> = RexArrayMap::new(1, 0);

    fn to_enum(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      Ok(match MODE.get(&0) { Some(Mode::On) => 1, _ => 0 })
    }
  `;
  await t.expect(t.compile(source)).toBeRejectedByCompiler(/`Mode` can't be made from bytes/);
});

rexTest("padding is not turned into bytes, and the message says what to do", async (t) => {
  const source = rex.kprobe({ function: "__x64_sys_dup", name: "padding" })`
    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Padded { small: u8, large: u32 }

    fn padding(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let mut bytes = [0u8; 8];
      rex::utils::convert_slice_to_struct_mut::<Padded>(&mut bytes).small = 1;
      Ok(0)
    }
  `;
  await t
    .expect(t.compile(source))
    .toBeRejectedByCompiler(/`Padded` can't be turned into bytes[\s\S]*add explicit fields/);
});
