// SPDX-License-Identifier: MIT
// Just enough of ELF64 to damage an object in one chosen place and leave the rest of it valid.

/** Where the fields of the ELF header are. */
export const headerFields = {
  fileClass: 4,
  byteOrder: 5,
  type: 16,
  machine: 18,
  phoff: 32,
  shoff: 40,
  phentsize: 54,
  phnum: 56,
  shentsize: 58,
  shnum: 60,
  shstrndx: 62,
} as const;

/** Where the fields of a program header are, in bytes from its start. */
export const programHeader = { type: 0, flags: 4, offset: 8, vaddr: 16, filesz: 32, memsz: 40 } as const;
/** Where the fields of a section header are. */
export const sectionHeader = { name: 0, addr: 16, offset: 24, size: 32 } as const;
/** Where the fields of an Elf64_Rela are. */
export const relocation = { offset: 0, info: 8, addend: 16, bytes: 24 } as const;
/** Where the fields of an Elf64_Sym are. */
export const symbol = { name: 0, info: 4, value: 8, bytes: 24 } as const;
/** Where the fields of the records in rex.h are. */
export const progRecord = {
  abiVersion: 0,
  type: 4,
  flags: 12,
  contextSize: 16,
  stackBytes: 20,
  name: 24,
  attach: 88,
  entry: 216,
  bytes: 224,
} as const;
export const mapRecord = {
  abiVersion: 0,
  type: 4,
  keySize: 8,
  valueSize: 12,
  lockOffset: 24,
  name: 32,
  handle: 96,
  bytes: 104,
} as const;
/** Where the fields of an Elf64_Dyn are, and the tags of some. */
export const dynamic = { tag: 0, value: 8, bytes: 16 } as const;
export const tags = { hash: 4, strtab: 5, rela: 7, relasz: 8, relaent: 9, strsz: 10, textrel: 22 } as const;

export const flags = { execute: 1, write: 2, read: 4 } as const;
/** Types of program headers. */
export const segmentTypes = {
  none: 0,
  load: 1,
  dynamic: 2,
  interpreter: 3,
  stack: 0x6474_e551,
  relro: 0x6474_e552,
} as const;

export interface Place {
  readonly header: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
}

/** A copy of an object that can be changed. */
export class ElfEditor {
  /** Another buffer after `append`. */
  bytes: Buffer;

  constructor(object: Uint8Array) {
    this.bytes = Buffer.from(object);
  }

  /** The first PT_LOAD with exactly these flags. */
  segment(wanted: number): Place {
    const header = this.headers().find(
      (at) =>
        this.u32(at + programHeader.type) === segmentTypes.load &&
        this.u32(at + programHeader.flags) === wanted,
    );
    if (header === undefined) throw new Error(`the object has no segment with the flags ${wanted}`);
    return this.#place(header);
  }

  /** The only program header of a type other than PT_LOAD. */
  headerOfType(type: number): number {
    const header = this.headers().find((at) => this.u32(at + programHeader.type) === type);
    if (header === undefined) throw new Error(`the object has no program header of type ${type}`);
    return header;
  }

  #place(header: number): Place {
    return {
      header,
      address: this.u64(header + programHeader.vaddr),
      offset: this.u64(header + programHeader.offset),
      size: this.u64(header + programHeader.filesz),
    };
  }

  /** Offsets of the program headers. */
  headers(): number[] {
    const start = this.u64(headerFields.phoff);
    const size = this.bytes.readUInt16LE(headerFields.phentsize);
    return Array.from({ length: this.bytes.readUInt16LE(headerFields.phnum) }, (_, i) => start + i * size);
  }

  /** Offset of an entry of PT_DYNAMIC. */
  dynamicEntry(tag: number): number {
    const table = this.section(".dynamic");
    for (let at = table.offset; at < table.offset + table.size; at += dynamic.bytes)
      if (this.u64(at) === tag) return at;
    throw new Error(`the object has no dynamic entry ${tag}`);
  }

  /** Adds bytes at the end of the file, 8-byte aligned; returns their offset. */
  append(bytes: Uint8Array): number {
    const offset = Math.ceil(this.bytes.length / 8) * 8;
    this.bytes = Buffer.concat([this.bytes, Buffer.alloc(offset - this.bytes.length), bytes]);
    return offset;
  }

  /** Adds a read-only segment of zeroes behind the others; returns its address. */
  addSegment(memsz: number): number {
    const pages = 0x1000;
    const ends = this.headers()
      .filter((at) => this.u32(at + programHeader.type) === segmentTypes.load)
      .map((at) => this.u64(at + programHeader.vaddr) + this.u64(at + programHeader.memsz));
    const address = Math.ceil(Math.max(...ends) / pages) * pages;
    const size = this.bytes.readUInt16LE(headerFields.phentsize);
    const first = this.u64(headerFields.phoff);
    const table = this.bytes.subarray(first, first + this.headers().length * size);
    const added = Buffer.alloc(size);
    added.writeUInt32LE(segmentTypes.load, programHeader.type);
    added.writeUInt32LE(flags.read, programHeader.flags);
    added.writeBigUInt64LE(BigInt(address), programHeader.vaddr);
    added.writeBigUInt64LE(BigInt(memsz), programHeader.memsz);
    const count = this.headers().length + 1;
    this.setU64(headerFields.phoff, this.append(Buffer.concat([table, added])));
    this.setU16(headerFields.phnum, count);
    return address;
  }

  section(name: string): Place {
    const start = this.u64(headerFields.shoff);
    const size = this.bytes.readUInt16LE(headerFields.shentsize);
    const names = this.u64(
      start + this.bytes.readUInt16LE(headerFields.shstrndx) * size + sectionHeader.offset,
    );
    for (let i = 0; i < this.bytes.readUInt16LE(headerFields.shnum); i++) {
      const header = start + i * size;
      const at = names + this.u32(header + sectionHeader.name);
      if (this.bytes.toString("latin1", at, this.bytes.indexOf(0, at)) !== name) continue;
      return {
        header,
        address: this.u64(header + sectionHeader.addr),
        offset: this.u64(header + sectionHeader.offset),
        size: this.u64(header + sectionHeader.size),
      };
    }
    throw new Error(`the object has no section ${name}`);
  }

  /** Offset in the file of the relocation that writes to an address. */
  relocationOf(address: number): number {
    const table = this.section(".rela.dyn");
    for (let at = table.offset; at < table.offset + table.size; at += relocation.bytes) {
      if (this.u64(at + relocation.offset) === address) return at;
    }
    throw new Error(`no relocation writes to ${address}`);
  }

  /** Has the calls of one kernel function go to another one that the object imports too, as a faulty compiler might. */
  redirectImport(from: string, to: string): this {
    const table = this.section(".rela.dyn");
    const [old, other] = [this.#importIndex(from), this.#importIndex(to)];
    for (let at = table.offset; at < table.offset + table.size; at += relocation.bytes) {
      const index = at + relocation.info + 4;
      if (this.u32(index) === old) this.setU32(index, other);
    }
    return this;
  }

  #importIndex(name: string): number {
    const [symbols, names] = [this.section(".dynsym"), this.section(".dynstr")];
    for (let index = 0; index * symbol.bytes < symbols.size; index++) {
      const at = names.offset + this.u32(symbols.offset + index * symbol.bytes + symbol.name);
      if (this.bytes.toString("latin1", at, this.bytes.indexOf(0, at)) === name) return index;
    }
    throw new Error(`the object does not import ${name}`);
  }

  /** Offset in the file of the function that the n-th record of a program names. */
  entry(record = 0): number {
    const text = this.segment(flags.read | flags.execute);
    const field = this.section(".rex.progs").address + record * progRecord.bytes + progRecord.entry;
    return this.u64(this.relocationOf(field) + relocation.addend) - text.address + text.offset;
  }

  /** Offset in the file of a function by its name in stack traces. */
  functionNamed(name: string): number {
    const text = this.segment(flags.read | flags.execute);
    const [symbols, names] = [this.section(".symtab"), this.section(".strtab")];
    for (let at = symbols.offset; at < symbols.offset + symbols.size; at += symbol.bytes) {
      const start = names.offset + this.u32(at + symbol.name);
      if (this.bytes.toString("latin1", start, this.bytes.indexOf(0, start)) === name)
        return this.u64(at + symbol.value) - text.address + text.offset;
    }
    throw new Error(`the object has no function ${name}`);
  }

  /** Overwrites bytes of the file. */
  write(at: number, bytes: readonly number[]): this {
    this.bytes.set(bytes, at);
    return this;
  }

  u8(at: number): number {
    return this.bytes.readUInt8(at);
  }

  u32(at: number): number {
    return this.bytes.readUInt32LE(at);
  }

  u64(at: number): number {
    return Number(this.bytes.readBigUInt64LE(at));
  }

  setU8(at: number, value: number): this {
    this.bytes.writeUInt8(value, at);
    return this;
  }

  setU16(at: number, value: number): this {
    this.bytes.writeUInt16LE(value, at);
    return this;
  }

  setU32(at: number, value: number): this {
    this.bytes.writeUInt32LE(value, at);
    return this;
  }

  setU64(at: number, value: number): this {
    this.bytes.writeBigUInt64LE(BigInt(value), at);
    return this;
  }

  setBig(at: number, value: bigint): this {
    this.bytes.writeBigUInt64LE(value, at);
    return this;
  }

  /** Replaces text by text of the same length, everywhere in a section. */
  replace(section: string, text: string, by: string): this {
    const { offset, size } = this.section(section);
    const at = this.bytes.indexOf(text, offset, "latin1");
    if (text.length !== by.length || at < 0 || at >= offset + size)
      throw new Error(`cannot replace ${text} by ${by}`);
    this.bytes.write(by, at, "latin1");
    return this;
  }
}

/** An object whose section header shows user space other bytes than the kernel will find in memory. */
export function showOtherMap(elf: ElfEditor, field: number, value: number): Uint8Array {
  const maps = elf.section(".rex.maps");
  const shown = Buffer.from(elf.bytes.subarray(maps.offset, maps.offset + maps.size));
  shown.writeUInt32LE(value, field);
  elf.setU64(maps.header + sectionHeader.offset, elf.bytes.length);
  return Buffer.concat([elf.bytes, shown]);
}
