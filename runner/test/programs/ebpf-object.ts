// SPDX-License-Identifier: MIT
// Writes the smallest ELF object that libbpf loads: one eBPF program, a licence and a symbol. Made here, so that what compares Rex
// with stock eBPF needs no compiler for eBPF.

/** One instruction: opcode, registers, offset, immediate. */
export function ebpfInstruction(
  opcode: number,
  registers: number,
  offset: number,
  immediate: number,
): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(opcode, 0);
  bytes.writeUInt8(registers, 1);
  bytes.writeInt16LE(offset, 2);
  bytes.writeInt32LE(immediate, 4);
  return bytes;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags?: number;
  readonly link?: number;
  readonly info?: number;
  readonly align: number;
  readonly entrySize?: number;
  readonly data: Buffer;
}

const elfHeaderBytes = 64;
const sectionHeaderBytes = 64;
const symbolBytes = 24;
const types = { progbits: 1, symtab: 2, strtab: 3 } as const;
const flags = { write: 1, alloc: 2, exec: 4 } as const;

/** An object with one program in the section that names its type, such as "socket" or "tracepoint/syscalls/sys_enter_dup". */
export function ebpfObject(section: string, program: string, instructions: readonly Buffer[]): Buffer {
  const code = Buffer.concat(instructions);
  const symbolNames = strings([program]);
  const sectionNames = strings([section, "license", ".symtab", ".strtab", ".shstrtab"]);
  const sections: Section[] = [
    { name: section, type: types.progbits, flags: flags.alloc | flags.exec, align: 8, data: code },
    {
      name: "license",
      type: types.progbits,
      flags: flags.alloc | flags.write,
      align: 1,
      data: Buffer.from("GPL\0"),
    },
    {
      name: ".symtab",
      type: types.symtab,
      link: 4,
      info: 1,
      align: 8,
      entrySize: symbolBytes,
      data: symbols(code.length),
    },
    { name: ".strtab", type: types.strtab, align: 1, data: symbolNames.data },
    { name: ".shstrtab", type: types.strtab, align: 1, data: sectionNames.data },
  ];
  return assemble(sections, sectionNames.offsets);
}

function assemble(sections: readonly Section[], nameOffsets: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  const headers: Buffer[] = [Buffer.alloc(sectionHeaderBytes)];
  let offset = elfHeaderBytes;
  for (const [index, section] of sections.entries()) {
    const padding = (8 - (offset % 8)) % 8;
    parts.push(Buffer.alloc(padding), section.data);
    offset += padding;
    headers.push(sectionHeader(section, nameOffsets[index] ?? 0, offset));
    offset += section.data.length;
  }
  const padding = (8 - (offset % 8)) % 8;
  return Buffer.concat([
    elfHeader(offset + padding, headers.length),
    ...parts,
    Buffer.alloc(padding),
    ...headers,
  ]);
}

function elfHeader(sectionHeadersAt: number, count: number): Buffer {
  const header = Buffer.alloc(elfHeaderBytes);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little-endian, version 1
  header.writeUInt16LE(1, 16); // ET_REL
  header.writeUInt16LE(247, 18); // EM_BPF
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(sectionHeadersAt), 40);
  header.writeUInt16LE(elfHeaderBytes, 52);
  header.writeUInt16LE(sectionHeaderBytes, 58);
  header.writeUInt16LE(count, 60);
  header.writeUInt16LE(count - 1, 62); // .shstrtab is the last
  return header;
}

function sectionHeader(section: Section, name: number, offset: number): Buffer {
  const header = Buffer.alloc(sectionHeaderBytes);
  header.writeUInt32LE(name, 0);
  header.writeUInt32LE(section.type, 4);
  header.writeBigUInt64LE(BigInt(section.flags ?? 0), 8);
  header.writeBigUInt64LE(BigInt(offset), 24);
  header.writeBigUInt64LE(BigInt(section.data.length), 32);
  header.writeUInt32LE(section.link ?? 0, 40);
  header.writeUInt32LE(section.info ?? 0, 44);
  header.writeBigUInt64LE(BigInt(section.align), 48);
  header.writeBigUInt64LE(BigInt(section.entrySize ?? 0), 56);
  return header;
}

/** The null symbol and the program: a global function at the start of section 1. */
function symbols(size: number): Buffer {
  const table = Buffer.alloc(2 * symbolBytes);
  table.writeUInt32LE(1, symbolBytes);
  table.writeUInt8((1 << 4) | 2, symbolBytes + 4); // STB_GLOBAL, STT_FUNC
  table.writeUInt16LE(1, symbolBytes + 6);
  table.writeBigUInt64LE(BigInt(size), symbolBytes + 16);
  return table;
}

function strings(names: readonly string[]): { readonly data: Buffer; readonly offsets: readonly number[] } {
  let text = "\0";
  const offsets = names.map((name) => {
    const offset = text.length;
    text += `${name}\0`;
    return offset;
  });
  return { data: Buffer.from(text), offsets };
}
