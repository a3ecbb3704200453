// SPDX-License-Identifier: MIT
// Promise: tables inside an object (relocations, symbols, names) lie inside it, are read-only while they are read, and mean only what
// the loader knows.
import { dynamic, type ElfEditor, flags, relocation, sectionHeader, symbol, tags } from "./elf.ts";
import { type Damage, refuseAll } from "./refusals.ts";

const globDat = 6;

function setTag(elf: ElfEditor, tag: keyof typeof tags, value: number): ElfEditor {
  return elf.setU64(elf.dynamicEntry(tags[tag]) + dynamic.value, value);
}

/** The first relocation of a kind. */
function relocationOfType(elf: ElfEditor, type: number): number {
  const table = elf.section(".rela.dyn");
  for (let at = table.offset; at < table.offset + table.size; at += relocation.bytes)
    if (elf.u32(at + relocation.info) === type) return at;
  throw new Error(`the object has no relocation of type ${type}`);
}

/** The first function of .symtab. */
function firstFunction(elf: ElfEditor): number {
  const table = elf.section(".symtab");
  for (let at = table.offset; at < table.offset + table.size; at += symbol.bytes)
    if ((elf.u8(at + symbol.info) & 0xf) === 2) return at;
  throw new Error("the object has no functions");
}

const damages: readonly Damage[] = [
  {
    name: "a relocation table in PT_DYNAMIC itself",
    refusal:
      /ENOEXEC: PT_DYNAMIC: malformed relocation table|EPERM: PT_DYNAMIC: relocation table is writable/,
    damage: (elf) => {
      const { address, size } = elf.section(".dynamic");
      const entries = Math.floor(size / relocation.bytes);
      return setTag(setTag(elf, "rela", address), "relasz", entries * relocation.bytes);
    },
  },
  {
    name: "a relocation table that can be written",
    refusal: /EPERM: PT_DYNAMIC: relocation table is writable/,
    damage: (elf) =>
      setTag(setTag(elf, "rela", elf.section(".rex.progs").address), "relasz", relocation.bytes),
  },
  {
    name: "a string table that can be written",
    refusal: /EPERM: PT_DYNAMIC: string table is writable/,
    damage: (elf) => setTag(setTag(elf, "strtab", elf.section(".rex.progs").address), "strsz", 64),
  },
  {
    name: "a relocation table outside the image",
    refusal: /ENOEXEC: PT_DYNAMIC: malformed relocation table/,
    damage: (elf) => setTag(elf, "rela", 0x7fff_f000),
  },
  {
    name: "a relocation table of odd size",
    refusal: /ENOEXEC: PT_DYNAMIC: malformed relocation table/,
    damage: (elf) => setTag(elf, "relasz", relocation.bytes + 1),
  },
  {
    name: "a misaligned relocation table",
    refusal: /ENOEXEC: PT_DYNAMIC: malformed relocation table/,
    damage: (elf) => setTag(elf, "rela", elf.section(".rela.dyn").address + 4),
  },
  {
    name: "relocations of another size",
    refusal: /ENOEXEC: PT_DYNAMIC: malformed relocation table/,
    damage: (elf) => setTag(elf, "relaent", 16),
  },
  {
    name: "a string table outside the image",
    refusal: /ENOEXEC: PT_DYNAMIC: string table outside the image/,
    damage: (elf) => setTag(elf, "strsz", 0x7fff_f000),
  },
  {
    name: "relocations of text",
    refusal: /ENOEXEC: PT_DYNAMIC: tag 22 is not supported/,
    damage: (elf) => elf.setU64(elf.dynamicEntry(tags.hash) + dynamic.tag, tags.textrel),
  },
  {
    name: "a relocation of a type that programs don't need",
    refusal: /ENOEXEC: relocation \d+: type 2 is not supported/,
    damage: (elf) => elf.setU32(relocationOfType(elf, globDat) + relocation.info, 2),
  },
  {
    name: "a relocation with a symbol outside the image",
    refusal: /ENOEXEC: relocation: symbol 268435455 is outside the image/,
    damage: (elf) => elf.setU32(relocationOfType(elf, globDat) + relocation.info + 4, 0x0fff_ffff),
  },
  {
    name: "a relocation that goes beyond its symbol",
    refusal: /EPERM: relocation \d+: a symbol with an addend/,
    damage: (elf) => elf.setU64(relocationOfType(elf, globDat) + relocation.addend, 16),
  },
  {
    name: "a relocation that writes behind its segment",
    refusal: /EPERM: relocation \d+: address 0x[0-9a-f]+ is not in a writable segment/,
    damage: (elf) => elf.setU64(relocationOfType(elf, globDat) + relocation.offset, 0x7fff_fff0),
  },
  {
    name: "a relocation that writes to the table of relocations",
    refusal: /EPERM: relocation \d+: address 0x[0-9a-f]+ is not in a writable segment/,
    damage: (elf) =>
      elf.setU64(relocationOfType(elf, globDat) + relocation.offset, elf.section(".rela.dyn").address),
  },
  {
    name: "an object without symbols",
    refusal: /ENOEXEC: object: stripped/,
    damage: (elf) => elf.setU64(elf.section(".symtab").header + sectionHeader.size, 0),
  },
  {
    name: "a symbol table of odd size",
    refusal: /ENOEXEC: section \.symtab: misaligned or of odd size/,
    damage: (elf) => elf.setU64(elf.section(".symtab").header + sectionHeader.size, symbol.bytes + 1),
  },
  {
    name: "a symbol table beyond the file",
    refusal: /ENOEXEC: section \.symtab: exceeds the file/,
    damage: (elf) => elf.setU64(elf.section(".symtab").header + sectionHeader.offset, 0x7fff_f000),
  },
  {
    name: "names that do not end",
    refusal: /ENOEXEC: section \.strtab: not NUL-terminated/,
    damage: (elf) => {
      const { offset, size } = elf.section(".strtab");
      return elf.setU8(offset + size - 1, 0x41);
    },
  },
  {
    name: "a function outside of text",
    refusal: /not in executable memory|its entry is not the start of a function/,
    damage: (elf) => elf.setU64(firstFunction(elf) + symbol.value, elf.segment(flags.read).address),
  },
  {
    name: "a function whose name is outside the table of names",
    refusal: /ENOEXEC: symbol \d+: a function without a name/,
    damage: (elf) => elf.setU32(firstFunction(elf) + symbol.name, 0x7fff_ffff),
  },
  {
    name: "a function whose name can't be printed",
    refusal: /ENOEXEC: symbol \d+: byte 0x1b in its name/,
    damage: (elf) =>
      elf.setU8(elf.section(".strtab").offset + elf.u32(firstFunction(elf) + symbol.name), 0x1b),
  },
];

refuseAll(damages);
