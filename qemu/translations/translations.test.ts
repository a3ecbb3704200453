// SPDX-License-Identifier: MIT
import { writeSync } from "node:fs";
import { expect, it } from "vitest";
import { interfaceVersion } from "./plugin.ts";
import { parseBlocks, TranslatedBlocks } from "./translated-blocks.ts";

it.each([
  ["QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)", 1],
  ["QEMU emulator version 8.2.2", 1],
  ["QEMU emulator version 9.0.0", 2],
  ["QEMU emulator version 10.0.2 (Debian)", 2],
])("knows the interface of %s", (text, version) => {
  expect(interfaceVersion(text)).toBe(version);
});

const record = (start: bigint, end: bigint) => {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(start, 0);
  bytes.writeBigUInt64LE(end, 8);
  return bytes;
};

it("reads whole records", () => {
  const bytes = Buffer.concat([record(1n, 2n), record(0xffff_ffff_a000_0000n, 0xffff_ffff_a000_0007n)]);
  const blocks = [
    { start: 1n, end: 2n },
    { start: 0xffff_ffff_a000_0000n, end: 0xffff_ffff_a000_0007n },
  ];
  expect(parseBlocks(bytes)).toEqual(blocks);
  expect(parseBlocks(bytes.subarray(0, -1))).toEqual(blocks.slice(0, 1));
});

it("what is taken is gone, and what comes then begins the file anew", async () => {
  const blocks = await TranslatedBlocks.create();
  // As QEMU does, which inherits it.
  const write = (bytes: Buffer) => writeSync(blocks.descriptor, bytes);
  write(record(1n, 2n));
  expect(await blocks.take()).toEqual([{ start: 1n, end: 2n }]);
  expect(await blocks.take()).toEqual([]);
  write(record(3n, 4n));
  expect(await blocks.take()).toEqual([{ start: 3n, end: 4n }]);
  await blocks.close();
  await blocks.close();
  expect(await blocks.take()).toEqual([]);
});
