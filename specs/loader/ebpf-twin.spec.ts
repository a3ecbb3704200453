// SPDX-License-Identifier: MIT
// Promise: what eBPF's verifier refuses in a twin does not get by in Rex either: the compiler refuses it, or the program ends when it tries.
import { ebpfInstruction, rex, rexTest } from "rex-test";

/** r0 = *(u64 *)(r1 + 0) with r1 = 0; exit */
const readsNull = Buffer.concat([
  ebpfInstruction(0xb7, 1, 0, 0),
  ebpfInstruction(0x79, 0x10, 0, 0),
  ebpfInstruction(0x95, 0, 0, 0),
]);

/** Goes back to itself for ever. */
const endless = Buffer.concat([
  ebpfInstruction(0xb7, 0, 0, 0),
  ebpfInstruction(0x05, 0, -1, 0),
  ebpfInstruction(0x95, 0, 0, 0),
]);

rexTest("a wild read: the verifier refuses it, and safe Rust can't say it", async (t) => {
  await t.expect(t.guest.loadEbpf("kprobe", readsNull)).toBeRejectedByVerifier(/R1 invalid mem access/);
  const twin = t.compile(rex.kprobe({ function: "__x64_sys_dup", name: "wild" })`
    fn wild(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      Ok(*(0 as *const i32))
    }
  `);
  await t.expect(twin).toBeRejectedByCompiler(/E0133|dereference of raw pointer/);
});

rexTest("an endless loop: the verifier refuses it, Rex runs it and ends it", async (t) => {
  await t
    .expect(t.guest.loadEbpf("kprobe", endless))
    .toBeRejectedByVerifier(/infinite loop|unreachable insn/);
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "twin" })`
    fn twin(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      loop { core::hint::spin_loop() }
    }
  `);
  await using _link = await program.attach();
  t.expect(await t.guest.syscall("dup", 999)).toTimeOut();
});
