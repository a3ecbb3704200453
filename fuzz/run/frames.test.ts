// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { topFrames } from "./frames.ts";

const splat = `[    2.113342] ------------[ cut here ]------------
[    2.113350] WARNING: CPU: 0 PID: 61 at kernel/rex/maps.c:120 rex_map_put+0x41/0x60
[    2.113361] RIP: 0010:rex_map_put+0x41/0x60
[    2.113362] Code: 48 89 df e8
[    2.113363] RSP: 0018:ffffc900001dfd90 EFLAGS: 00010246
[    2.113370] Call Trace:
[    2.113371]  <TASK>
[    2.113372]  dump_stack_lvl+0x5d/0x80
[    2.113373]  ? __warn.cold+0x93/0xf2
[    2.113374]  ? vprintk_emit+0x12/0x20
[    2.113375]  rex_obj_free.isra.0+0x1c/0xa0
[    2.113376]  process_one_work+0x175/0x330
[    2.113377]  worker_thread+0x251/0x390`.split("\n");

it("the top frames of a splat: without guesses, without how it came to be printed", () => {
  expect(topFrames(splat)).toEqual(["rex_map_put", "rex_obj_free", "process_one_work"]);
});

it("a message without a trace has none", () => {
  expect(topFrames(["watchdog: BUG: soft lockup - CPU#0 stuck for 26s!"])).toEqual([]);
});
