// SPDX-License-Identifier: MIT
// Promise: what is not safe Rust is refused before it reaches a kernel, in rustc's own words.
import { rex, rexTest } from "rex-test";

rexTest("unsafe code does not build", async (t) => {
  const source = rex.kprobe({ function: "__x64_sys_dup", name: "unsafe_code" })`
    fn unsafe_code(_: &kprobe, ctx: &mut PtRegs) -> Result {
      Ok(unsafe { *(ctx.rdi() as *const i32) })
    }
  `;
  await t.expect(t.compile(source)).toBeRejectedByCompiler(/unsafe/);
});

rexTest("a type error is shown with its line", async (t) => {
  const source = rex.kprobe({ function: "__x64_sys_dup", name: "type_error" })`
    fn type_error(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      Ok("text")
    }
  `;
  await t.expect(t.compile(source)).toBeRejectedByCompiler(/E0308[\s\S]*main\.rs:3/);
});
