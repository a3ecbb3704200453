// SPDX-License-Identifier: MIT
// One message on a byte stream: its length as u32 little-endian, then that many bytes of UTF-8 JSON. The agent speaks it on its
// virtio-serial port, the test workers to the process that holds the guests.
import { MAX_FRAME_BYTES } from "../../protocol/generated.ts";

const headerBytes = 4;

export function encodeFrame(message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message), "utf8");
  if (body.length > MAX_FRAME_BYTES) {
    throw new RangeError(`a message of ${body.length} bytes exceeds the limit of ${MAX_FRAME_BYTES}`);
  }
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(body.length);
  return Buffer.concat([header, body]);
}

/** Cuts a byte stream into messages. Throws on a length or text that no honest peer sends; the stream is then useless. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #available = 0;

  push(chunk: Buffer): unknown[] {
    this.#chunks.push(chunk);
    this.#available += chunk.length;
    const messages: unknown[] = [];
    for (;;) {
      const frame = this.#takeFrame();
      if (frame === undefined) return messages;
      messages.push(parseBody(frame));
    }
  }

  #takeFrame(): Buffer | undefined {
    if (this.#available < headerBytes) return undefined;
    const length = this.#joined(headerBytes).readUInt32LE();
    if (length > MAX_FRAME_BYTES) throw new RangeError(`the peer announced a message of ${length} bytes`);
    if (this.#available < headerBytes + length) return undefined;
    const all = this.#joined(headerBytes + length);
    const rest = all.subarray(headerBytes + length);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#available = rest.length;
    return all.subarray(headerBytes, headerBytes + length);
  }

  /** The buffered bytes as one buffer, if the first chunk does not already hold `wanted` of them. */
  #joined(wanted: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= wanted && this.#chunks.length === 1) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}

function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new SyntaxError(`the peer sent a message that is not JSON: ${body.toString("utf8", 0, 80)}`, {
      cause: error,
    });
  }
}
