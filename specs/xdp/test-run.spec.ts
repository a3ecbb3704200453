// SPDX-License-Identifier: MIT
// Promise: an XDP program reads and writes the bytes of its packet, and what it returns is the verdict. By BPF_PROG_TEST_RUN.
import { rex, rexTest, u32, u64 } from "rex-test";
import { frame, udp } from "../packets.ts";

rexTest("every verdict comes back", async (t) => {
  const program = await t.load(rex.xdp({ name: "verdict" })`
    fn verdict(_: &xdp, ctx: &mut xdp_md) -> Result {
      Ok(match ctx.data_slice[14] {
        b'p' => XDP_PASS,
        b'd' => XDP_DROP,
        b't' => XDP_TX,
        b'r' => XDP_REDIRECT,
        _ => XDP_ABORTED,
      } as i32)
    }
  `);
  const verdicts = { p: 2, d: 1, t: 3, r: 4, "?": 0 };
  for (const [letter, verdict] of Object.entries(verdicts)) {
    const data = frame([letter.charCodeAt(0)]);
    const run = await program.testRun({ data });
    t.expect(run, letter).toReturn(verdict);
    t.expect(run.data, "the packet as it was").toEqual(data);
    t.expect(run.exits).toEqual([]);
  }
});

rexTest("the bytes of a packet are read and changed in place", async (t) => {
  const program = await t.load(rex.xdp({ name: "reverse" })`
    fn reverse(_: &xdp, ctx: &mut xdp_md) -> Result {
      if ctx.data_length() != ctx.data_slice.len() {
        return Ok(XDP_ABORTED as i32);
      }
      let (addresses, rest) = ctx.data_slice.split_at_mut(12);
      let (to, from) = addresses.split_at_mut(6);
      to.swap_with_slice(from);
      rest[2..].reverse();
      Ok(XDP_TX as i32)
    }
  `);
  const run = await program.testRun({ data: frame([1, 2, 3, 4, 5]) });
  t.expect(run).toReturn(3);
  const expected = frame([5, 4, 3, 2, 1]);
  t.expect(run.data).toEqual(
    Buffer.concat([expected.subarray(6, 12), expected.subarray(0, 6), expected.subarray(12)]),
  );
});

rexTest("a test run is repeated as often as it says", async (t) => {
  const program = await t.load(rex.xdp({ name: "count" })`
    #[rex_map]
    static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

    fn count(_: &xdp, ctx: &mut xdp_md) -> Result {
      RUNS.get_mut(&0).ok_or(0)?.fetch_add(ctx.data_length() as u64);
      Ok(XDP_PASS as i32)
    }
  `);
  const data = udp();
  // More than once goes through XDP's dispatcher, which calls the program directly.
  t.expect(await program.testRun({ data, repeat: 1000 })).toReturn(2);
  const runs = await program.map("RUNS", { key: u32, value: u64 }).get(0);
  t.expect(runs).toBe(BigInt(1000 * data.length));
  await t.expect(t.guest).toBeHealthy();
});

rexTest("a panic gives the verdict XDP_ABORTED and is recorded", async (t) => {
  const program = await t.load(rex.xdp({ name: "beyond" })`
    fn beyond(_: &xdp, ctx: &mut xdp_md) -> Result {
      let index = usize::from(ctx.data_slice[14]);
      ctx.data_slice[index] = 1;
      Ok(XDP_PASS as i32)
    }
  `);
  t.expect(await program.testRun({ data: frame([18, 0, 0, 0, 0]) })).toReturn(2);
  const run = await program.testRun({ data: frame([19, 0, 0, 0, 0]) });
  t.expect(run).toExitGracefully({
    reason: "panic",
    message: "index out of bounds: the len is 19 but the index is 19",
    at: /main\.rs:4:/,
    program: "beyond",
    level: "task",
  });
  t.expect(run).toReturn(0);
  await t.expect(t.guest).toBeHealthy();
});
