// SPDX-License-Identifier: MIT
// Captured packets: files of tcpdump (pcap) and Wireshark (pcapng), read and written, for specs to send what was seen elsewhere.
import { readFile } from "node:fs/promises";
import { RexTestError } from "../../support/errors.ts";

const ethernet = 1;
/** Of the file's clock: microseconds, nanoseconds. */
const magics = [0xa1b2c3d4, 0xa1b23c4d] as const;
const headerBytes = 24;
const recordBytes = 16;
const sectionBlock = 0x0a0d0d0a;
const byteOrderMagic = 0x1a2b3c4d;
const blockTypes = { interface: 1, simple: 3, enhanced: 6 } as const;

/** The frames of a capture file, each from its Ethernet header on, in their order. */
export async function readPcap(file: string | URL): Promise<readonly Buffer[]> {
  return framesOfPcap(await readFile(file), String(file));
}

/** The frames in the bytes of a capture; `name` is for messages. */
export function framesOfPcap(bytes: Uint8Array, name = "the capture"): readonly Buffer[] {
  const reader = new Reader(bytes, name);
  if (bytes.length >= 12 && reader.number(0) === sectionBlock) return framesOfPcapng(reader);
  if (bytes.length < headerBytes) throw broken(name, "it is too short for a header");
  reader.littleEndian = magics.some((magic) => reader.number(0) === magic);
  if (!reader.littleEndian && !magics.some((magic) => bigEndian(reader, 0) === magic))
    throw broken(name, "it begins like neither pcap nor pcapng");
  requireEthernet(reader.number(20) & 0x0fff_ffff, name);
  const frames: Buffer[] = [];
  for (let at = headerBytes; at < bytes.length; ) {
    const length = reader.number(at + 8);
    frames.push(reader.slice(at + recordBytes, length));
    at += recordBytes + length;
  }
  return frames;
}

/** A capture file with these frames, for tcpdump and Wireshark to show. */
export function pcapOf(frames: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(magics[0], 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(0x40000, 16);
  header.writeUInt32LE(ethernet, 20);
  const records = frames.flatMap((frame, index) => {
    const record = Buffer.alloc(recordBytes);
    record.writeUInt32LE(index, 4);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return [record, frame];
  });
  return Buffer.concat([header, ...records]);
}

function framesOfPcapng(reader: Reader): readonly Buffer[] {
  const frames: Buffer[] = [];
  let snapLength = 0;
  for (let at = 0; at < reader.length; ) {
    // The type of a section reads the same either way round; what follows it says which it is.
    if (reader.number(at) === sectionBlock) {
      reader.littleEndian = true;
      reader.littleEndian = reader.number(at + 8) === byteOrderMagic;
    }
    const type = reader.number(at);
    const length = reader.number(at + 4);
    if (length < 12 || length % 4 !== 0)
      throw broken(reader.name, `the block at byte ${at} has the length ${length}`);
    if (type === blockTypes.interface) {
      requireEthernet(reader.number(at + 8) & 0xffff, reader.name);
      snapLength = reader.number(at + 12);
    } else if (type === blockTypes.enhanced) frames.push(reader.slice(at + 28, reader.number(at + 20)));
    else if (type === blockTypes.simple) {
      const original = reader.number(at + 8);
      frames.push(reader.slice(at + 12, snapLength > 0 ? Math.min(original, snapLength) : original));
    }
    at += length;
  }
  return frames;
}

class Reader {
  readonly name: string;
  readonly #view: DataView;
  littleEndian = true;

  constructor(bytes: Uint8Array, name: string) {
    this.name = name;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.#view.byteLength;
  }

  number(at: number): number {
    if (at + 4 > this.length) throw broken(this.name, `it ends in the middle, at byte ${this.length}`);
    return this.#view.getUint32(at, this.littleEndian);
  }

  slice(at: number, length: number): Buffer {
    if (at + length > this.length)
      throw broken(this.name, `it ends in the middle of the packet at byte ${at}`);
    return Buffer.from(this.#view.buffer, this.#view.byteOffset + at, length);
  }
}

function bigEndian(reader: Reader, at: number): number {
  reader.littleEndian = false;
  return reader.number(at);
}

function requireEthernet(linkType: number, name: string): void {
  if (linkType === ethernet) return;
  throw broken(name, `its link type is ${linkType}, and only Ethernet (${ethernet}) can be sent`);
}

function broken(name: string, why: string): RexTestError {
  return new RexTestError(`${name} can't be read as a capture: ${why}`, { outcome: "failure" });
}
