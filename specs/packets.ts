// SPDX-License-Identifier: MIT
// Frames for specs to send, and what to expect of them.

/** An ethertype for experiments (IEEE 802): no protocol of the kernel takes it. */
export const experimental = 0x88b5;
export const ipv4 = 0x0800;

const receiver = [0x02, 0, 0, 0, 0, 0x01];
const sender = [0x02, 0, 0, 0, 0, 0x02];

/** A frame that nothing in the kernel looks into. */
export function frame(payload: readonly number[], ethertype = experimental): Buffer {
  return Buffer.from([...receiver, ...sender, ethertype >> 8, ethertype & 0xff, ...payload]);
}

export interface Datagram {
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly timeToLive?: number;
  readonly payload?: string;
  /** Option bytes of the IP header, a multiple of 4. */
  readonly options?: readonly number[];
}

/** UDP over IPv4 from 10.0.0.2 to 10.0.0.1, with a right IP checksum. */
export function udp({
  sourcePort = 1000,
  destinationPort = 2000,
  timeToLive = 64,
  payload = "hello",
  options = [],
}: Datagram = {}): Buffer {
  const body = Buffer.alloc(8 + payload.length);
  body.writeUInt16BE(sourcePort, 0);
  body.writeUInt16BE(destinationPort, 2);
  body.writeUInt16BE(body.length, 4);
  body.write(payload, 8, "latin1");
  return frame([...ipHeader(17, body.length, timeToLive, options), ...body], ipv4);
}

/** The first segment of a TCP connection, from 10.0.0.2 to 10.0.0.1. */
export function tcpSyn(sourcePort: number, destinationPort: number): Buffer {
  const body = Buffer.alloc(20);
  body.writeUInt16BE(sourcePort, 0);
  body.writeUInt16BE(destinationPort, 2);
  body.writeUInt32BE(0x01020304, 4);
  body.writeUInt16BE(0x5002, 12); // five words, SYN
  body.writeUInt16BE(0x7210, 14);
  return frame([...ipHeader(6, body.length, 64, []), ...body], ipv4);
}

function ipHeader(protocol: number, bodyBytes: number, timeToLive: number, options: readonly number[]) {
  const header = Buffer.alloc(20 + options.length);
  header.writeUInt8(0x40 | (header.length / 4), 0);
  header.writeUInt16BE(header.length + bodyBytes, 2);
  header.writeUInt8(timeToLive, 8);
  header.writeUInt8(protocol, 9);
  header.set([10, 0, 0, 2, 10, 0, 0, 1, ...options], 12);
  header.writeUInt16BE(internetChecksum(header), 10);
  return header;
}

/** RFC 1071; 0 over a header whose checksum is right. */
export function internetChecksum(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes);
  let sum = 0;
  for (let at = 0; at < buffer.length; at += 2) sum += buffer.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
