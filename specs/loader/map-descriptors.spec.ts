// SPDX-License-Identifier: MIT
// Promise: a program gets exactly the maps that it was compiled for. A descriptor that is no map, not open any more, or a map of
// another type, size or flags is refused with a sentence that says which and why; no reference stays behind (the sanitizer looks).
import { rex, rexTest } from "rex-test";
import { type MapWish, type Trial, tryLoading } from "./trial.ts";

const counting = rex.kprobe({ function: "__x64_sys_dup", name: "counting" })`
  #[rex_map]
  static CALLS: RexHashMap<u32, u64> = RexHashMap::new(16, 0);

  fn counting(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    CALLS.insert(&1, &1)
  }
`;

const array = 2;
const noPrealloc = 1;
const calls = (wish: Omit<MapWish, "name">): Trial => ({ maps: [{ name: "CALLS", ...wish }] });

const cases: readonly { readonly what: string; readonly trial: Trial; readonly refusal: RegExp }[] = [
  {
    what: "a descriptor that was closed",
    trial: calls({ closed: true }),
    refusal: /^EBADF: map CALLS: fd \d+ is not a map$/,
  },
  {
    what: "a descriptor of something else",
    trial: calls({ noMap: true }),
    refusal: /^EINVAL: map CALLS: fd \d+ is not a map$/,
  },
  {
    what: "a map of another type",
    trial: calls({ mapType: array }),
    refusal: /^EINVAL: map CALLS: type is 2, the program expects 1$/,
  },
  {
    what: "a map with longer keys",
    trial: calls({ keySize: 8 }),
    refusal: /^EINVAL: map CALLS: key_size is 8, the program expects 4$/,
  },
  {
    what: "a map with shorter values",
    trial: calls({ valueSize: 4 }),
    refusal: /^EINVAL: map CALLS: value_size is 4, the program expects 8$/,
  },
  {
    what: "a smaller map",
    trial: calls({ maxEntries: 1 }),
    refusal: /^EINVAL: map CALLS: max_entries is 1, the program expects \d+$/,
  },
  {
    what: "a map with other flags",
    trial: calls({ flags: noPrealloc }),
    refusal: /^EINVAL: map CALLS: map_flags is 1, the program expects 0$/,
  },
  {
    what: "a map under another name",
    trial: { maps: [{ name: "OTHER" }] },
    refusal: /^ENOENT: map CALLS: no fd was passed for it$/,
  },
  {
    what: "a map name that does not end",
    trial: { maps: [{ name: "C".repeat(64) }] },
    refusal: /^EINVAL: maps: entry 0 is malformed$/,
  },
  {
    what: "no map at all",
    trial: { maps: [] },
    refusal: /^EINVAL: maps: 0 fds were passed for 1 maps$/,
  },
  {
    what: "one map too many",
    trial: { maps: [{ name: "CALLS" }, { name: "MORE" }] },
    refusal: /^EINVAL: maps: 2 fds were passed for 1 maps$/,
  },
  {
    what: "an absurd number of maps",
    trial: { mapCount: 0xffff_ffff },
    refusal: /^EINVAL: maps: 4294967295 fds were passed for 1 maps$/,
  },
];

rexTest.each(cases)("$what is refused", async (t, { trial, refusal }) => {
  const { object } = await t.compile(counting);
  const report = await tryLoading(t, object, trial);
  t.expect(report).toMatchObject({ loaded: 0, silent: 0 });
  t.expect(report.sentences).toEqual([t.expect.stringMatching(refusal)]);
});

rexTest("the maps that it wants are accepted", async (t) => {
  const { object } = await t.compile(counting);
  t.expect(await tryLoading(t, object)).toMatchObject({ loaded: 1, refused: {} });
});
