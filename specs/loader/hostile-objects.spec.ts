// SPDX-License-Identifier: MIT
// Promise: an object that is valid but for one thing is refused for that one thing, with a sentence that names it, and nothing of
// it stays in the kernel (the resource sanitizer looks).
import { rex, rexTest } from "rex-test";
import { ElfEditor, flags, mapRecord, progRecord, programHeader, relocation, showOtherMap } from "./elf.ts";

interface Damage {
  readonly name: string;
  readonly refusal: RegExp;
  readonly damage: (elf: ElfEditor) => Uint8Array;
}

const { read, write, execute } = flags;
const text = read | execute;
const machine = 18;
const arm64 = 183;

const damages: readonly Damage[] = [
  {
    name: "a segment that is writable and executable",
    refusal: /segment \d+: writable and executable/,
    damage: (elf) => elf.setU32(elf.segment(text).header + programHeader.flags, read | write | execute).bytes,
  },
  {
    name: "an object for another machine",
    refusal: /e_machine is 183, expected 62/,
    damage: (elf) => elf.setU16(machine, arm64).bytes,
  },
  {
    name: "an import that is not on the list",
    refusal: /import rex_map_lookup_evil: not on the list/,
    damage: (elf) => elf.replace(".dynstr", "rex_map_lookup_elem", "rex_map_lookup_evil").bytes,
  },
  {
    name: "a relocation that writes to text",
    refusal: /relocation \d+: address 0x[0-9a-f]+ is not in a writable segment/,
    damage: (elf) => {
      const entry = elf.relocationOf(elf.section(".rex.progs").address + progRecord.entry);
      return elf.setU64(entry + relocation.offset, elf.segment(text).address).bytes;
    },
  },
  {
    name: "a relocation that points out of the image",
    refusal: /relocation \d+: points to 0x[0-9a-f]+, outside the image/,
    damage: (elf) => {
      const entry = elf.relocationOf(elf.section(".rex.progs").address + progRecord.entry);
      return elf.setU64(entry + relocation.addend, 0x7fff_0000).bytes;
    },
  },
  {
    name: "an entry outside text",
    refusal: /program hello: its entry is not the start of a function/,
    damage: (elf) => {
      const entry = elf.relocationOf(elf.section(".rex.progs").address + progRecord.entry);
      return elf.setU64(entry + relocation.addend, elf.segment(read).address + 64).bytes;
    },
  },
  {
    name: "an entry in the middle of a function",
    refusal: /program hello: its entry is not the start of a function/,
    damage: (elf) => {
      const entry = elf.relocationOf(elf.section(".rex.progs").address + progRecord.entry);
      return elf.setU64(entry + relocation.addend, elf.u64(entry + relocation.addend) + 1).bytes;
    },
  },
  {
    name: "a segment that exceeds the file",
    refusal: /segment \d+: exceeds the file/,
    damage: (elf) => elf.setU64(elf.segment(text).header + programHeader.offset, 0x7fff_f000).bytes,
  },
  {
    name: "a segment that ends beyond the limit",
    refusal: /segment \d+: ends beyond the limit of 4194304 bytes/,
    damage: (elf) => elf.setU64(elf.segment(text).header + programHeader.memsz, 0x7fff_f000).bytes,
  },
  {
    name: "a map of another size than the program was compiled for",
    refusal: /map CALLS: value_size is 4, the program expects 8/,
    damage: (elf) => showOtherMap(elf, mapRecord.valueSize, 4),
  },
  {
    name: "a map with a lock where the program has data",
    refusal: /map CALLS: lock_offset is 4, the program expects 4294967295/,
    damage: (elf) => showOtherMap(elf, mapRecord.lockOffset, 4),
  },
];

for (const { name, refusal, damage } of damages) {
  rexTest(`${name} is refused`, async (t) => {
    const { object } = await t.compile("hello");
    const hostile = rex.object("hostile", damage(new ElfEditor(object)));
    await t.expect(t.load(hostile)).toBeRejectedByLoader(refusal);
    await t.expect(t.guest).toBeHealthy();
  });
}
