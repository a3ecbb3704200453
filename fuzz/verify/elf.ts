// SPDX-License-Identifier: MIT
// As much of an ELF file as it takes to damage it where it matters: its tables, and where the code of each function is.

export interface Range {
  readonly start: number;
  readonly size: number;
}

export interface FunctionPlace extends Range {
  readonly name: string;
  /** In the image; `start` is in the file. */
  readonly address: number;
}

export interface Section extends Range {
  readonly name: string;
  readonly address: number;
  readonly type: number;
  readonly isLoaded: boolean;
}

export interface Elf {
  readonly bytes: Buffer;
  readonly sections: readonly Section[];
  /** By address. */
  readonly functions: readonly FunctionPlace[];
  /** Headers, the tables of headers and what the loader reads of the rest. */
  readonly tables: readonly Range[];
}

const fileHeaderBytes = 64;
const segmentHeaderBytes = 56;
const sectionHeaderBytes = 64;
const symbolBytes = 24;
const symtab = 2;
const nobits = 8;
const functionType = 2;

/** Of an object that the builder made. */
export function readElf(bytes: Buffer): Elf {
  const number = (at: number) => Number(bytes.readBigUInt64LE(at));
  const [segmentTable, sectionTable] = [number(32), number(40)];
  const [segments, sectionCount] = [bytes.readUInt16LE(56), bytes.readUInt16LE(60)];
  const raw = Array.from({ length: sectionCount }, (_, index) => {
    const at = sectionTable + index * sectionHeaderBytes;
    return {
      nameAt: bytes.readUInt32LE(at),
      type: bytes.readUInt32LE(at + 4),
      isLoaded: (number(at + 8) & 2) !== 0,
      address: number(at + 16),
      start: number(at + 24),
      size: number(at + 32),
      link: bytes.readUInt32LE(at + 40),
    };
  });
  const textAt = (table: number | undefined, at: number) => {
    const start = (table ?? 0) + at;
    return bytes.toString("latin1", start, bytes.indexOf(0, start));
  };
  const names = raw[bytes.readUInt16LE(62)]?.start;
  const sections = raw.map((section) => ({ ...section, name: textAt(names, section.nameAt) }));
  const functions = sections
    .filter(({ type }) => type === symtab)
    .flatMap((table) =>
      Array.from({ length: table.size / symbolBytes }, (_, index) => {
        const at = table.start + index * symbolBytes;
        const inside = sections[bytes.readUInt16LE(at + 6)];
        const address = number(at + 8);
        return {
          name: textAt(sections[table.link]?.start, bytes.readUInt32LE(at)),
          isFunction: (bytes.readUInt8(at + 4) & 15) === functionType && inside !== undefined,
          address,
          start: address - (inside?.address ?? 0) + (inside?.start ?? 0),
          size: number(at + 16),
        };
      }),
    )
    .filter(({ isFunction, size }) => isFunction && size > 0)
    .toSorted((one, other) => one.address - other.address);
  const tables = [
    { start: 0, size: fileHeaderBytes },
    { start: segmentTable, size: segments * segmentHeaderBytes },
    { start: sectionTable, size: sectionCount * sectionHeaderBytes },
    ...sections.filter(({ type, name, size }) => type !== nobits && size >= 8 && !name.startsWith(".text")),
  ];
  return { bytes, sections, functions, tables };
}
