// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { framesOfPcap, pcapOf } from "./pcap.ts";

const frames = [Buffer.from("first frame"), Buffer.from([]), Buffer.from("the third")];

/** The same with all words of headers turned round. */
function bigEndianPcap(): Buffer {
  const bytes = Buffer.from(pcapOf(frames));
  const swap = (at: number) => bytes.subarray(at, at + 4).reverse();
  for (let at = 0; at < 24; at += 4) if (at !== 4) swap(at);
  for (let at = 24; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 8);
    for (let word = 0; word < 16; word += 4) swap(at + word);
    at += 16 + length;
  }
  return bytes;
}

function block(type: number, body: Buffer): Buffer {
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(padded.length + 12, 4);
  return Buffer.concat([head, padded, head.subarray(4)]);
}

const words = (...values: number[]) => Buffer.from(new Uint32Array(values).buffer);

it("reads what it writes, in either byte order", () => {
  expect(framesOfPcap(pcapOf(frames))).toEqual(frames);
  expect(framesOfPcap(bigEndianPcap())).toEqual(frames);
});

it("reads pcapng, and skips blocks that it does not know", () => {
  const [first = Buffer.of(), , third = Buffer.of()] = frames;
  const file = Buffer.concat([
    block(0x0a0d0d0a, words(0x1a2b3c4d, 1, 0xffffffff, 0xffffffff)),
    block(1, words(1, 0)),
    block(5, words(1, 2, 3)),
    block(6, Buffer.concat([words(0, 0, 0, first.length, first.length), first])),
    block(3, Buffer.concat([words(third.length), third])),
  ]);
  expect(framesOfPcap(file)).toEqual([first, third]);
});

it("refuses what it can't read, with the reason", () => {
  expect(() => framesOfPcap(Buffer.from("no capture at all, but long enough"))).toThrow(
    /neither pcap nor pcapng/,
  );
  expect(() => framesOfPcap(pcapOf(frames).subarray(0, 44))).toThrow(/ends in the middle/);
  const loopback = Buffer.from(pcapOf(frames));
  loopback.writeUInt32LE(0, 20);
  expect(() => framesOfPcap(loopback, "x.pcap")).toThrow(/x\.pcap .* its link type is 0, and only Ethernet/);
});
