// SPDX-License-Identifier: MIT
// Promise: headers and segments are believed only as far as they make sense: inside the file, in order, apart, aligned, of one kind.
import { type ElfEditor, flags, headerFields, programHeader, sectionHeader, segmentTypes } from "./elf.ts";
import { type Damage, refuseAll } from "./refusals.ts";

const { read, write, execute } = flags;
const far = 0x7fff_f000;

function setHeader(
  elf: ElfEditor,
  field: keyof typeof programHeader,
  value: number,
  wanted = read | execute,
) {
  return elf.setU64(elf.segment(wanted).header + programHeader[field], value);
}

function setType(elf: ElfEditor, from: number, to: number): ElfEditor {
  return elf.setU32(elf.headerOfType(from) + programHeader.type, to);
}

const damages: readonly Damage[] = [
  {
    name: "a 32-bit object",
    refusal: /ENOEXEC: object: not a little-endian ELF64 file/,
    damage: (elf) => elf.setU8(headerFields.fileClass, 1),
  },
  {
    name: "a big-endian object",
    refusal: /ENOEXEC: object: not a little-endian ELF64 file/,
    damage: (elf) => elf.setU8(headerFields.byteOrder, 2),
  },
  {
    name: "an executable that is not position-independent",
    refusal: /ENOEXEC: object: e_type is 2, expected 3/,
    damage: (elf) => elf.setU16(headerFields.type, 2),
  },
  {
    name: "program headers of another size",
    refusal: /ENOEXEC: object: /,
    damage: (elf) => elf.setU16(headerFields.phentsize, 32),
  },
  {
    name: "a misaligned program header table",
    refusal: /ENOEXEC: object: header tables are not 8-byte aligned/,
    damage: (elf) => elf.setU64(headerFields.phoff, elf.u64(headerFields.phoff) + 1),
  },
  {
    name: "a misaligned section header table",
    refusal: /ENOEXEC: object: header tables are not 8-byte aligned/,
    damage: (elf) => elf.setU64(headerFields.shoff, elf.u64(headerFields.shoff) + 4),
  },
  {
    name: "program headers beyond the file",
    refusal: /ENOEXEC: object: program headers exceed the file/,
    damage: (elf) => elf.setU64(headerFields.phoff, far),
  },
  {
    name: "more program headers than the file has room for",
    refusal: /ENOEXEC: object: program headers exceed the file/,
    damage: (elf) => elf.setU16(headerFields.phnum, 0xffff),
  },
  {
    name: "section headers beyond the file",
    refusal: /ENOEXEC: object: section headers exceed the file/,
    damage: (elf) => elf.setU64(headerFields.shoff, far),
  },
  {
    name: "section names in a section that does not exist",
    refusal: /ENOEXEC: object: e_shstrndx 65535 names no section/,
    damage: (elf) => elf.setU16(headerFields.shstrndx, 0xffff),
  },
  {
    name: "section names in a section that holds none",
    refusal: /ENOEXEC: section \d+: has no valid name/,
    damage: (elf) => elf.setU16(headerFields.shstrndx, 0),
  },
  {
    name: "a section name outside the table of names",
    refusal: /ENOEXEC: section \d+: has no valid name/,
    damage: (elf) => elf.setU32(elf.section(".rex.progs").header + sectionHeader.name, 0x7fff_ffff),
  },
  {
    name: "segments that overlap",
    refusal: /ENOEXEC: segment \d+: shares a page with the one before, or is out of order/,
    damage: (elf) => setHeader(elf, "vaddr", elf.segment(read).address),
  },
  {
    name: "segments that share a page",
    refusal: /ENOEXEC: segment \d+: shares a page with the one before, or is out of order/,
    damage: (elf) => {
      const first = elf.segment(read);
      return setHeader(elf, "vaddr", first.address + first.size + 1);
    },
  },
  {
    name: "a segment whose address wraps around",
    refusal: /E2BIG: segment \d+: ends beyond the limit/,
    damage: (elf) =>
      elf.setBig(elf.segment(read | execute).header + programHeader.vaddr, 0xffff_ffff_ffff_f000n),
  },
  {
    name: "a segment whose place in the file wraps around",
    refusal: /ENOEXEC: segment \d+: exceeds the file/,
    damage: (elf) =>
      elf.setBig(elf.segment(read | execute).header + programHeader.offset, 0xffff_ffff_ffff_f000n),
  },
  {
    name: "a segment with more bytes in the file than in memory",
    refusal: /ENOEXEC: segment \d+: \d+ bytes in the file, 8 in memory/,
    damage: (elf) => setHeader(elf, "memsz", 8),
  },
  {
    name: "a segment that nobody may read",
    refusal: /ENOEXEC: segment \d+: flags 0x0 are not R, RX or RW/,
    damage: (elf) => elf.setU32(elf.segment(read | execute).header + programHeader.flags, 0),
  },
  {
    name: "a segment that may only be executed",
    refusal: /ENOEXEC: segment \d+: flags 0x1 are not R, RX or RW/,
    damage: (elf) => elf.setU32(elf.segment(read | execute).header + programHeader.flags, execute),
  },
  {
    name: "an object without segments",
    refusal: /ENOEXEC: object: nothing to load/,
    damage: (elf) => {
      for (const header of elf.headers())
        if (elf.u32(header + programHeader.type) === segmentTypes.load)
          elf.setU32(header + programHeader.type, segmentTypes.none);
      return elf;
    },
  },
  {
    name: "an interpreter",
    refusal: /ENOEXEC: segment \d+: type 3 has no meaning in the kernel/,
    damage: (elf) => setType(elf, segmentTypes.stack, segmentTypes.interpreter),
  },
  {
    name: "an object without PT_DYNAMIC",
    refusal: /ENOEXEC: object: no PT_DYNAMIC/,
    damage: (elf) => setType(elf, segmentTypes.dynamic, segmentTypes.none),
  },
  {
    name: "a second PT_DYNAMIC",
    refusal: /ENOEXEC: segment \d+: a second PT_DYNAMIC/,
    damage: (elf) => setType(elf, segmentTypes.relro, segmentTypes.dynamic),
  },
  {
    name: "a PT_DYNAMIC outside the image",
    refusal: /ENOEXEC: PT_DYNAMIC: not inside a segment/,
    damage: (elf) => elf.setU64(elf.headerOfType(segmentTypes.dynamic) + programHeader.vaddr, far),
  },
  {
    name: "a RELRO that is not page-aligned",
    refusal: /ENOEXEC: PT_GNU_RELRO: not page-aligned inside a writable segment/,
    damage: (elf) => {
      const relro = elf.headerOfType(segmentTypes.relro) + programHeader.vaddr;
      return elf.setU64(relro, elf.u64(relro) + 8);
    },
  },
  {
    name: "a RELRO over text",
    refusal: /ENOEXEC: PT_GNU_RELRO: not page-aligned inside a writable segment/,
    damage: (elf) => {
      const page = Math.floor(elf.segment(read | execute).address / 0x1000) * 0x1000;
      return elf.setU64(elf.headerOfType(segmentTypes.relro) + programHeader.vaddr, page);
    },
  },
  {
    name: "a RELRO that goes on behind its segment",
    refusal: /ENOEXEC: PT_GNU_RELRO: not page-aligned inside a writable segment/,
    damage: (elf) => elf.setU64(elf.headerOfType(segmentTypes.relro) + programHeader.memsz, 0x10_0000),
  },
  {
    name: "a writable segment in place of text",
    refusal: /EPERM: segment \d+: writable and executable/,
    damage: (elf) =>
      elf.setU32(elf.segment(read | write).header + programHeader.flags, read | write | execute),
  },
];

refuseAll(damages);
