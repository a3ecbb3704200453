// SPDX-License-Identifier: MIT
// The headers of a packet as the rex crate has them: where their fields are, counted from the header, and what type they are of.
import { type IntName, type IntType, int } from "./types.ts";

export type HeaderName = "eth" | "ip" | "tcp" | "udp";

export interface Field {
  readonly name: string;
  readonly offset: number;
  readonly type: IntType;
}

interface Header {
  readonly bytes: number;
  readonly fields: readonly Field[];
}

function fields(
  ...list: readonly (readonly [name: string, offset: number, type: IntName])[]
): readonly Field[] {
  return list.map(([name, offset, type]) => ({ name, offset, type: int(type) }));
}

export const headers: Readonly<Record<HeaderName, Header>> = {
  eth: { bytes: 14, fields: fields(["h_proto", 12, "u16"]) },
  ip: {
    bytes: 20,
    fields: fields(
      ["tos", 1, "u8"],
      ["tot_len", 2, "u16"],
      ["id", 4, "u16"],
      ["frag_off", 6, "u16"],
      ["ttl", 8, "u8"],
      ["protocol", 9, "u8"],
      ["check", 10, "u16"],
      ["saddr", 12, "u32"],
      ["daddr", 16, "u32"],
    ),
  },
  tcp: {
    bytes: 20,
    fields: fields(
      ["source", 0, "u16"],
      ["dest", 2, "u16"],
      ["seq", 4, "u32"],
      ["ack_seq", 8, "u32"],
      ["window", 14, "u16"],
      ["check", 16, "u16"],
      ["urg_ptr", 18, "u16"],
    ),
  },
  udp: {
    bytes: 8,
    fields: fields(["source", 0, "u16"], ["dest", 2, "u16"], ["len", 4, "u16"], ["check", 6, "u16"]),
  },
};

export const headerNames = Object.keys(headers) as readonly HeaderName[];

export function fieldOf(header: HeaderName, name: string): Field | undefined {
  return headers[header].fields.find((field) => field.name === name);
}
