// SPDX-License-Identifier: MIT
// Reads the section .debug_line of a linked file, as rustc and lld make it: DWARF 2 to 4 of 64-bit code, little-endian. objdump's list of
// lines (binutils 2.40) would save this, but has some lines below the path of another file.
import { RexTestError } from "../support/errors.ts";

/** Code from this address up to that of the next row. */
export interface LineRow {
  readonly address: number;
  /** "library/core/src/ptr/mod.rs"; undefined behind the last code of a function. */
  readonly path: string | undefined;
  /** 0: of no line. */
  readonly line: number;
}

/** Numbers of the standard. */
const standard = {
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  constAddPc: 8,
  fixedAdvancePc: 9,
} as const;
const extended = { endSequence: 1, setAddress: 2 } as const;
const longFormat = 0xffff_ffff;

class Reader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  unsigned(bytes: 1 | 2 | 4): number {
    this.at += bytes;
    return this.#bytes.readUIntLE(this.at - bytes, bytes);
  }

  signedByte(): number {
    this.at += 1;
    return this.#bytes.readInt8(this.at - 1);
  }

  address(): number {
    this.at += 8;
    return Number(this.#bytes.readBigUInt64LE(this.at - 8));
  }

  text(): string {
    const start = this.at;
    this.at = this.#bytes.indexOf(0, start) + 1;
    return this.#bytes.toString("utf8", start, this.at - 1);
  }

  uleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.unsigned(1);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  sleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.unsigned(1);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return byte < 0x40 ? value : value - 128 * scale;
    }
  }
}

interface Header {
  readonly end: number;
  readonly minimumLength: number;
  readonly lineBase: number;
  readonly lineRange: number;
  /** The first one that stands for a row by itself. */
  readonly firstSpecial: number;
  /** Operands of the others, from the first on. */
  readonly operands: readonly number[];
  /** From 1. */
  readonly paths: string[];
}

/** All rows, one function behind the other. @throws RexTestError for another version of the format. */
export function* readLineRows(section: Buffer): Generator<LineRow> {
  const reader = new Reader(section);
  while (reader.at < section.length) {
    const header = readHeader(reader);
    yield* runProgram(reader, header);
    reader.at = header.end;
  }
}

function readHeader(reader: Reader): Header {
  const length = reader.unsigned(4);
  const end = reader.at + length;
  const version = reader.unsigned(2);
  if (length === longFormat || version < 2 || version > 4)
    throw new RexTestError(`line information of another format, DWARF ${version}`);
  const bytesToProgram = reader.unsigned(4);
  const program = reader.at + bytesToProgram;
  const minimumLength = reader.unsigned(1);
  // Operations in an instruction, and whether rows are statements: neither is of interest.
  reader.at += version >= 4 ? 2 : 1;
  const [lineBase, lineRange, firstSpecial] = [
    reader.signedByte(),
    reader.unsigned(1),
    reader.unsigned(1),
  ] as const;
  const operands = Array.from({ length: firstSpecial - 1 }, () => reader.unsigned(1));
  const folders = [""];
  for (let folder = reader.text(); folder !== ""; folder = reader.text()) folders.push(folder);
  const paths = [""];
  for (let name = reader.text(); name !== ""; name = reader.text()) paths.push(pathOf(reader, name, folders));
  reader.at = program;
  return { end, minimumLength, lineBase, lineRange, firstSpecial, operands, paths };
}

function pathOf(reader: Reader, name: string, folders: readonly string[]): string {
  const folder = folders[reader.uleb()] ?? "";
  // When it was changed, and its size.
  reader.uleb();
  reader.uleb();
  return folder === "" || name.startsWith("/") ? name : `${folder}/${name}`;
}

function* runProgram(reader: Reader, header: Header): Generator<LineRow> {
  const { lineBase, lineRange, firstSpecial, minimumLength } = header;
  let [address, file, line] = [0, 1, 1];
  const row = (): LineRow => ({ address, path: header.paths[file] ?? "", line });
  const advance = (operation: number) => {
    address += minimumLength * Math.floor((operation - firstSpecial) / lineRange);
  };
  while (reader.at < header.end) {
    const operation = reader.unsigned(1);
    if (operation >= firstSpecial) {
      advance(operation);
      line += lineBase + ((operation - firstSpecial) % lineRange);
      yield row();
    } else if (operation === 0) {
      const length = reader.uleb();
      const next = reader.at + length;
      const kind = reader.unsigned(1);
      if (kind === extended.setAddress) address = reader.address();
      if (kind === extended.endSequence) {
        yield { address, path: undefined, line: 0 };
        [address, file, line] = [0, 1, 1];
      }
      reader.at = next;
    } else if (operation === standard.copy) yield row();
    else if (operation === standard.advancePc) address += minimumLength * reader.uleb();
    else if (operation === standard.advanceLine) line += reader.sleb();
    else if (operation === standard.setFile) file = reader.uleb();
    else if (operation === standard.constAddPc) advance(255);
    else if (operation === standard.fixedAdvancePc) address += reader.unsigned(2);
    else for (let left = header.operands[operation - 1] ?? 0; left > 0; left -= 1) reader.uleb();
  }
}
