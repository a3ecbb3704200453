// SPDX-License-Identifier: MIT
// Places in kernel messages: "symbol+0x12/0x34".

export interface Frame {
  readonly symbol: string;
  readonly offset: number;
  /** Of the symbol; tells apart static functions of the same name. */
  readonly size: number;
  /** The place is a return address: what was called there is in the instruction before. */
  readonly isReturn: boolean;
}

/** Before the place of a trap: there the CPU stood at that very instruction. */
const place = /(RIP: 00[0-9a-f]{2}:|\bat \S+:\d+ )?([^\s+(]+)\+0x([0-9a-f]+)\/0x([0-9a-f]+)/;

/** The frame that a line tells of; a line of a trace has one. */
export function frameOf(line: string): Frame | undefined {
  const [, trap, symbol, hexOffset, size] = place.exec(line) ?? [];
  if (symbol === undefined || hexOffset === undefined || size === undefined) return undefined;
  const offset = Number.parseInt(hexOffset, 16);
  return { symbol, offset, size: Number.parseInt(size, 16), isReturn: trap === undefined && offset > 0 };
}
