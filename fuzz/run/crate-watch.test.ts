// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { LineTable } from "../../runner/coverage/line-table.ts";
import { crateFile } from "./crate-image.ts";
import { CrateWatch, type GuestBlock } from "./crate-watch.ts";

const path = "/x/rex-crate/rex/src/map/keyed.rs";
const rows = [
  { address: 0x1000, path, line: 7 },
  { address: 0x1010, path: "library/core/src/mem/mod.rs", line: 9 },
  { address: 0x1020, path, line: 11 },
  { address: 0x1030, path: undefined, line: 0 },
];
const image = {
  symbols: new Map([
    ["rex::shared", 0x1020n],
    ["fuzzed::bounded", 0x1000n],
  ]),
  table: LineTable.of(rows, crateFile),
};
const base = 0xffff_ffff_a000_4000n;
const symbol = { name: "fuzzed::bounded", type: "t" };

/** With what the guest has translated, which it forgets when it is taken. */
function watchOf(address: bigint | undefined) {
  const blocks: GuestBlock[] = [];
  const source = { take: async () => blocks.splice(0) };
  const found = address === undefined ? [] : [{ ...symbol, address: String(address) }];
  const asked: string[] = [];
  const watch = new CrateWatch(source, async (names) => {
    asked.push(...names);
    return found;
  });
  const translate = (start: bigint, bytes: bigint) =>
    blocks.push({ start: base + start, end: base + start + bytes });
  return { watch, translate, asked };
}

it("tells lines of the crate by where the object was loaded, until they are taken", async () => {
  const { watch, translate, asked } = watchOf(base + 0x1000n);
  // Of whoever was there before.
  translate(0x1020n, 4n);
  await watch.begin(image);
  translate(0x1000n, 8n);
  translate(0x1010n, 16n);
  await watch.end();
  expect(asked).toEqual(["fuzzed::bounded"]);
  const found = new Set(["rex/src/map/keyed.rs:7", "rex/src/map/keyed.rs:11"]);
  expect(watch.take()).toEqual({ reached: new Set(["rex/src/map/keyed.rs:7"]), found });
  expect(watch.take()).toEqual({ reached: new Set(), found: new Set() });
  // Of another object.
  translate(0x1020n, 4n);
  await watch.begin(undefined);
  await watch.end();
  expect(watch.take().reached).toEqual(new Set());
});

it.each([undefined, base + 0x1008n])("says nothing where it can't tell the place (%s)", async (address) => {
  const { watch, translate } = watchOf(address);
  await watch.begin(image);
  translate(0x1000n, 16n);
  await watch.end();
  expect(watch.take().reached).toEqual(new Set());
});
