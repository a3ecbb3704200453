// A program that is written where it is tested. It runs in the kernel whenever somebody calls dup(2).
import { rex, rexTest } from "rex-test";

rexTest("an index out of bounds ends the program, and the kernel goes on", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup" })`
    fn pick(_: &kprobe, ctx: &mut PtRegs) -> Result {
      let values = [1, 2, 3];
      rex_printk!("picked {}", values[ctx.syscall_regs()?.args()[0] as usize])
    }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 1000);
  t.expect(run).toExitGracefully({ reason: "panic", message: /index out of bounds/ });
  t.expect(run).toReturn("EBADF");
  await t.expect(t.guest).toBeHealthy();
});
