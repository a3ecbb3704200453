// SPDX-License-Identifier: MIT
// Promise: after its ends have moved, a program has the packet as it then is: no byte less, none beyond.
import { rex, rexTest } from "rex-test";
import { frame } from "../packets.ts";

// The first byte behind the Ethernet header says what to do, the second by how much, the third which byte to set afterwards.
const adjusting = rex.xdp({ name: "adjusting" })`
  fn adjusting(program: &xdp, ctx: &mut xdp_md) -> Result {
    let (what, by, at) = (ctx.data_slice[14], ctx.data_slice[15], usize::from(ctx.data_slice[16]));
    let by = i32::from(by as i8);
    let result = match what {
      b't' => program.bpf_xdp_adjust_tail(ctx, by),
      b'h' => program.bpf_xdp_adjust_head(ctx, by),
      _ => Ok(0),
    };
    if result.is_err() {
      return Ok(100);
    }
    ctx.data_slice[at] = 0xaa;
    Ok(ctx.data_slice.len() as i32)
  }
`;

const signed = (value: number) => value & 0xff;

rexTest("the tail is cut, and the slice ends there", async (t) => {
  const program = await t.load(adjusting);
  const data = frame([116, signed(-4), 17, 1, 2, 3, 4, 5]);
  const run = await program.testRun({ data });
  t.expect(run).toReturn(18);
  t.expect([...run.data.subarray(14)]).toEqual([116, signed(-4), 17, 0xaa]);

  const beyond = await program.testRun({ data: frame([116, signed(-4), 18, 1, 2, 3, 4, 5]) });
  t.expect(beyond).toExitGracefully({ message: "index out of bounds: the len is 18 but the index is 18" });
  t.expect(beyond.data.length, "cut all the same").toBe(18);
});

rexTest("the tail grows by zeroes, and the slice has them", async (t) => {
  const program = await t.load(adjusting);
  const run = await program.testRun({ data: frame([116, 5, 21]) });
  t.expect(run).toReturn(22);
  t.expect([...run.data.subarray(14)]).toEqual([116, 5, 21, 0, 0, 0, 0, 0xaa]);
});

rexTest("the head is cut and grows, and the slice begins there", async (t) => {
  const program = await t.load(adjusting);
  const cut = await program.testRun({ data: frame([104, 4, 0, 1, 2, 3, 4, 5]) });
  t.expect(cut).toReturn(18);
  t.expect([...cut.data.subarray(0, 2)]).toEqual([0xaa, frame([])[5]]);
  t.expect([...cut.data.subarray(10)]).toEqual([104, 4, 0, 1, 2, 3, 4, 5]);

  const grown = await program.testRun({ data: frame([104, signed(-8), 0, 1]) });
  t.expect(grown).toReturn(26);
  t.expect(grown.data[0]).toBe(0xaa);
  t.expect(Buffer.from(grown.data.subarray(8))).toEqual(frame([104, signed(-8), 0, 1]));
});

rexTest("a packet can't become shorter than its Ethernet header, nor longer than its buffer", async (t) => {
  const program = await t.load(adjusting);
  for (const data of [frame([116, signed(-4), 0]), frame([104, 4, 0])]) {
    const run = await program.testRun({ data });
    t.expect(run).toReturn(100);
    t.expect(run.data).toEqual(data);
  }
  // 256 bytes in front of the packet, some of them taken.
  const eager = await t.load(rex.xdp({ name: "eager" })`
    fn eager(program: &xdp, ctx: &mut xdp_md) -> Result {
      let before = ctx.data_slice.len();
      let results = [
        program.bpf_xdp_adjust_head(ctx, -300),
        program.bpf_xdp_adjust_tail(ctx, 8192),
        program.bpf_xdp_adjust_head(ctx, i32::MIN),
        program.bpf_xdp_adjust_tail(ctx, i32::MAX),
      ];
      Ok((results.iter().all(|result| *result == Err(-22)) && ctx.data_slice.len() == before) as i32)
    }
  `);
  t.expect(await eager.testRun({ data: frame([1, 2, 3]) })).toReturn(1);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("metadata is in front of the packet", async (t) => {
  const program = await t.load(rex.xdp({ name: "metadata" })`
    fn metadata(program: &xdp, ctx: &mut xdp_md) -> Result {
      let none = ctx.data_meta().len();
      program.bpf_xdp_adjust_meta(ctx, -8)?;
      Ok((none * 1000 + ctx.data_meta().len() * 100 + ctx.data_slice.len()) as i32)
    }
  `);
  t.expect(await program.testRun({ data: frame([1, 2]) })).toReturn(816);
});
