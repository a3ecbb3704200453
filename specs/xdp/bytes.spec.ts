// SPDX-License-Identifier: MIT
// Promise: bytes that an XDP program copies out of its packet or into it are the packet's, and those beyond its end are neither.
import { rex, rexTest } from "rex-test";
import { frame } from "../packets.ts";

rexTest("bytes are copied out and in", async (t) => {
  const program = await t.load(rex.xdp({ name: "swap" })`
    fn swap(program: &xdp, ctx: &mut xdp_md) -> Result {
      let mut bytes = [0u8; 3];
      program.bpf_xdp_load_bytes(ctx, 14, &mut bytes)?;
      bytes.reverse();
      program.bpf_xdp_store_bytes(ctx, 15, &bytes)?;
      Ok((program.bpf_xdp_get_buff_len(ctx) * 256 + u32::from(ctx.data_slice[15])) as i32)
    }
  `);
  const run = await program.testRun({ data: frame([1, 2, 3, 4, 5]) });
  t.expect(run).toReturn(19 * 256 + 3);
  t.expect(run.data).toEqual(frame([1, 3, 2, 1, 5]));
});

rexTest("bytes beyond the end are neither loaded nor stored", async (t) => {
  const program = await t.load(rex.xdp({ name: "beyond" })`
    fn beyond(program: &xdp, ctx: &mut xdp_md) -> Result {
      let mut bytes = [7u8; 8];
      let end = ctx.data_length() as u32;
      let mut refused = true;
      for offset in [end - 7, end, 0xfffc, 0x10000, u32::MAX - 3] {
        bytes.fill(7);
        refused &= program.bpf_xdp_load_bytes(ctx, offset, &mut bytes).is_err() && bytes == [0; 8];
        bytes.fill(7);
        refused &= program.bpf_xdp_store_bytes(ctx, offset, &bytes).is_err();
      }
      let whole = program.bpf_xdp_load_bytes(ctx, end - 8, &mut bytes);
      Ok((refused && whole == Ok(0) && bytes == [1, 2, 3, 4, 5, 6, 7, 8]) as i32)
    }
  `);
  const data = frame([1, 2, 3, 4, 5, 6, 7, 8]);
  const run = await program.testRun({ data });
  t.expect(run).toReturn(1);
  t.expect(run.data).toEqual(data);
  await t.expect(t.guest).toBeHealthy();
});
