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
  readonly addresses?: Addresses;
}

export interface Addresses {
  readonly source: readonly number[];
  readonly destination: readonly number[];
}

const between: Addresses = { source: [10, 0, 0, 2], destination: [10, 0, 0, 1] };

/** UDP over IPv4 from 10.0.0.2 to 10.0.0.1 if nothing else is said, with right checksums. */
export function udp({
  sourcePort = 1000,
  destinationPort = 2000,
  timeToLive = 64,
  payload = "hello",
  options = [],
  addresses = between,
}: Datagram = {}): Buffer {
  const body = Buffer.alloc(8 + payload.length);
  body.writeUInt16BE(sourcePort, 0);
  body.writeUInt16BE(destinationPort, 2);
  body.writeUInt16BE(body.length, 4);
  body.write(payload, 8, "latin1");
  // 0 says that there is none.
  body.writeUInt16BE(transportChecksum(17, addresses, body) || 0xffff, 6);
  return frame([...ipHeader(17, body.length, timeToLive, options, addresses), ...body], ipv4);
}

/** The first segment of a TCP connection, from 10.0.0.2 to 10.0.0.1 if nothing else is said. */
export function tcpSyn(sourcePort: number, destinationPort: number, addresses = between): Buffer {
  const body = Buffer.alloc(20);
  body.writeUInt16BE(sourcePort, 0);
  body.writeUInt16BE(destinationPort, 2);
  body.writeUInt32BE(0x01020304, 4);
  body.writeUInt16BE(0x5002, 12); // five words, SYN
  body.writeUInt16BE(0x7210, 14);
  body.writeUInt16BE(transportChecksum(6, addresses, body), 16);
  return frame([...ipHeader(6, body.length, 64, [], addresses), ...body], ipv4);
}

function ipHeader(
  protocol: number,
  bodyBytes: number,
  timeToLive: number,
  options: readonly number[],
  { source, destination }: Addresses,
) {
  const header = Buffer.alloc(20 + options.length);
  header.writeUInt8(0x40 | (header.length / 4), 0);
  header.writeUInt16BE(header.length + bodyBytes, 2);
  header.writeUInt8(timeToLive, 8);
  header.writeUInt8(protocol, 9);
  header.set([...source, ...destination, ...options], 12);
  header.writeUInt16BE(internetChecksum(header), 10);
  return header;
}

/** The checksum of TCP or UDP; 0 over a body whose checksum is right. */
export function transportChecksum(
  protocol: number,
  { source, destination }: Addresses,
  body: Uint8Array,
): number {
  const pseudoHeader = [...source, ...destination, 0, protocol, body.length >> 8, body.length & 0xff];
  return internetChecksum(Uint8Array.from([...pseudoHeader, ...body]));
}

/** RFC 1071; 0 over a header whose checksum is right. */
export function internetChecksum(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes);
  let sum = 0;
  for (let at = 0; at + 1 < buffer.length; at += 2) sum += buffer.readUInt16BE(at);
  if (buffer.length % 2 === 1) sum += buffer.readUInt8(buffer.length - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
