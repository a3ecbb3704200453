// SPDX-License-Identifier: MIT
// Promise: programs run wherever the kernel and its memory are (--config hardened).
import { rex, rexTest } from "rex-test";

/** Where it runs unless the decompressor decides otherwise. */
const linked = { text: 0xffffffff81000000n, physical: "01000000" };

rexTest(
  "a program runs in a kernel that was moved",
  { requires: { config: "RANDOMIZE_BASE" } },
  async (t) => {
    const [text] = await t.guest.kallsyms(["_text"]);
    const physical = /([0-9a-f]+)-[0-9a-f]+ : Kernel code/.exec(await t.guest.readFile("/proc/iomem"))?.[1];
    // Of some hundred places for the one and some ten for the other.
    t.expect({ text: BigInt(text?.address ?? 0), physical }, "not moved at all").not.toEqual(linked);

    const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "moved" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn moved(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      let runs = RUNS.get(&0).ok_or(-1)?;
      RUNS.insert(&0, &(runs + 1))?;
      panic!("run {runs}")
    }
  `);
    await using _link = await program.attach();
    t.expect(await t.guest.syscall("dup", 999)).toExitGracefully({
      message: "run 0",
      frames: ["moved", "rex_dispatcher_func"],
    });
    await t.expect(t.guest).toBeHealthy();
  },
);
