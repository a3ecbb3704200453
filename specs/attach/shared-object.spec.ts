// SPDX-License-Identifier: MIT
// Promise: processes share an object, each with programs of its own; the object and its maps live as long as one of them does.
import { rex, rexTest } from "rex-test";

const counting = rex.kprobe({ function: "__x64_sys_dup", name: "counting" })`
  #[rex_map]
  static RUNS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

  fn counting(_: &kprobe, ctx: &mut PtRegs) -> Result {
    RUNS.get_mut(&0).ok_or(-1)?.fetch_add(1);
    Ok(0)
  }
`;

const calls = 50;

rexTest.each([
  { by: "socket", how: "sent over a socket" },
  { by: "fork", how: "inherited by fork" },
])("an object $how goes on when its owner dies", async (t, { by }) => {
  const { object } = await t.compile(counting);
  const stdin = Buffer.concat([Buffer.from(`${JSON.stringify({ by, calls })}\n`), object]);
  const ran = await t.guest.exec(["/init", "hand-over"], { root: "guest", stdin, timeoutMs: 40_000 });
  t.expect(ran, ran.stderr).toMatchObject({ status: 0 });
  t.expect(JSON.parse(ran.stdout)).toEqual({
    ofOwner: calls,
    // A program of each process runs at each call.
    ofBoth: calls + 2 * calls,
    ofHeir: calls + 2 * calls + calls,
    programs: [2, 1],
  });
  const held = async () => {
    const { rexStats, maps } = await t.guest.inventory();
    return [rexStats?.["objects"], rexStats?.["programs"], maps.length];
  };
  await t.expect.poll(held, { timeout: 5_000 * t.kernel.slowness.time }).toEqual([0, 0, 0]);
  await t.expect(t.guest).toBeHealthy();
});
