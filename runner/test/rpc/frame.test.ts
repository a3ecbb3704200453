// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_FRAME_BYTES } from "../../protocol/generated.ts";
import { encodeFrame, FrameDecoder } from "./frame.ts";

describe("FrameDecoder", () => {
  it("gives back what was encoded, however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.array(fc.nat(60), { maxLength: 40 }),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map(encodeFrame));
          const decoder = new FrameDecoder();
          const received: unknown[] = [];
          let at = 0;
          for (const cut of [...cuts, stream.length]) {
            received.push(...decoder.push(stream.subarray(at, at + cut)));
            at += cut;
          }
          expect(received).toEqual(messages.map((message) => JSON.parse(JSON.stringify(message))));
        },
      ),
    );
  });

  it("refuses a length that no honest peer announces", () => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(MAX_FRAME_BYTES + 1);
    expect(() => new FrameDecoder().push(header)).toThrow(RangeError);
  });

  it("refuses what is not JSON", () => {
    expect(() => new FrameDecoder().push(Buffer.from([2, 0, 0, 0, 0x7b, 0x5d]))).toThrow(SyntaxError);
  });
});
