// SPDX-License-Identifier: MIT
// Promise: to stock tools a Rex program is a BPF program like any other.
import { rex, rexTest, type TestContext } from "rex-test";

const permissions = { hostTools: true };

const listed = rex.kprobe({ function: "__x64_sys_dup", name: "listed" })`
  #[rex_map]
  static CALLS: RexHashMap<u32, u64> = RexHashMap::new(16, 0);

  fn listed(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    CALLS.insert(&1, &1)
  }
`;

interface ListedProgram {
  readonly id: number;
  readonly type: string;
  readonly name?: string;
  readonly map_ids?: readonly number[];
}

async function programsOf(t: TestContext): Promise<readonly ListedProgram[]> {
  const shown = await t.guest.exec(["bpftool", "--json", "prog", "show"]);
  t.expect(shown, shown.stderr).toMatchObject({ status: 0 });
  return JSON.parse(shown.stdout) as ListedProgram[];
}

rexTest(
  "bpftool lists a Rex program while it is loaded and nothing after",
  { permissions, memoryMiB: 192 },
  async (t) => {
    t.expect(await programsOf(t)).toEqual([]);

    const program = await t.load(listed);
    const link = await program.attach();
    const [shown, ...others] = await programsOf(t);
    t.expect(others).toEqual([]);
    t.expect(shown).toMatchObject({ id: program.id, type: "kprobe", name: "listed" });
    t.expect(shown?.map_ids).toEqual(program.maps.map((map) => map.id));

    await link.detach();
    await program.unload();
    await t.expect.poll(() => programsOf(t)).toEqual([]);
  },
);
